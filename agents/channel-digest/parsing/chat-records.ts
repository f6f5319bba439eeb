import type { Message } from './message.ts';

type Fields = Readonly<Record<string, unknown>>;

const TEXT_KEYS = ['content', 'text', 'message', 'body', 'msg'] as const;
const SPEAKER_KEYS = [
  'author',
  'user_profile',
  'user',
  'from',
  'speaker',
  'sender',
  'name',
  'username',
  'role',
] as const;
const NAME_KEYS = ['nickname', 'display_name', 'displayName', 'real_name', 'realName', 'name', 'username'] as const;
const TIME_KEYS = ['timestamp', 'ts', 'time', 'date', 'createdAt', 'created_at'] as const;
/** Kinds of record that chat systems write for joins, pins and calls. */
const SYSTEM_TYPES = /^(service|system|RecipientAdd|ChannelPinnedMessage|GuildMemberJoin|Call|ThreadCreated)/;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The key that holds a record's text, or null when the record is no message. */
export function textKey(record: Fields): string | null {
  return TEXT_KEYS.find((key) => plainText(record[key]) !== null) ?? null;
}

/**
 * Reads one message out of a record of a chat export: Discord, Slack, Telegram, or any object with a text and
 * somebody who said it. Null when it carries no text.
 */
export function readRecord(record: Fields, line: number, names: ReadonlyMap<string, string>): Message | null {
  const key = textKey(record);
  const text = key === null ? null : plainText(record[key]);
  if (text === null || text.trim() === '') return null;
  const speaker = speakerOf(record, names);
  return {
    line,
    lastLine: line,
    speaker,
    time: firstString(record, TIME_KEYS),
    text: withNames(text, names),
    automated: isAutomated(record),
    id: idOf(record, ['id', 'ts', 'message_id']),
    repliesTo: repliedTo(record),
  };
}

/** Collects the ids under which a chat system knows its people: mentions and Slack's bare `user` fields use them. */
export function collectNames(records: readonly unknown[]): Map<string, string> {
  const names = new Map<string, string>();
  const learn = (value: unknown, id?: unknown) => {
    if (!isFields(value)) return;
    const known = id ?? value.id;
    const name = firstString(value, NAME_KEYS);
    if (typeof known === 'string' && name !== null) names.set(known, name);
  };
  for (const record of records) {
    if (!isFields(record)) continue;
    learn(record.author);
    learn(record.user);
    learn(record.user_profile, record.user);
    for (const mention of Array.isArray(record.mentions) ? record.mentions : []) learn(mention);
  }
  return names;
}

function speakerOf(record: Fields, names: ReadonlyMap<string, string>): string | null {
  for (const key of SPEAKER_KEYS) {
    const value = record[key];
    if (typeof value === 'string' && value.trim() !== '') return (names.get(value) ?? value).trim();
    if (isFields(value)) {
      const name = firstString(value, NAME_KEYS);
      if (name !== null) return name;
    }
  }
  return null;
}

/** Telegram writes formatted text as a list of strings and objects. */
function plainText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return null;
  const parts = value.map((part) => (typeof part === 'string' ? part : isFields(part) ? (part.text ?? '') : ''));
  return parts.join('');
}

function withNames(text: string, names: ReadonlyMap<string, string>): string {
  return text
    .replace(/<@[!&]?([A-Za-z0-9]+)(?:\|[^>]*)?>/g, (_, id: string) => `@${names.get(id) ?? id}`)
    .replace(/<#[A-Za-z0-9]+\|([^>]+)>/g, '#$1')
    .replace(/<(https?:[^|>]+)\|([^>]+)>/g, '$2')
    .replace(/<a?(:\w+:)\d+>/g, '$1')
    .trim();
}

function isAutomated(record: Fields): boolean {
  const author = record.author;
  if (isFields(author) && author.isBot === true) return true;
  if (record.bot_id !== undefined || record.subtype !== undefined) return record.subtype !== 'thread_broadcast';
  return typeof record.type === 'string' && SYSTEM_TYPES.test(record.type);
}

function repliedTo(record: Fields): string | undefined {
  const reference = record.reference;
  if (isFields(reference)) return idOf(reference, ['messageId']);
  const answered = idOf(record, ['reply_to_message_id', 'replyTo', 'reply_to', 'in_reply_to', 'thread_ts']);
  return answered === record.ts ? undefined : answered;
}

function idOf(record: Fields, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = record[key];
    if (typeof value === 'string' || typeof value === 'number') return String(value);
  }
  return undefined;
}

function firstString(record: Fields, keys: readonly string[]): string | null {
  for (const key of keys) {
    const value = record[key];
    if (typeof value === 'string' && value.trim() !== '') return value.trim();
  }
  return null;
}
