import { withoutMarks } from './inline-marks.ts';
import type { Message } from './message.ts';
import { type Fields, firstId, firstText, isFields, type LocatedRecord, timeIn } from './records.ts';

const TEXT_KEYS = ['content', 'text', 'message', 'body', 'msg'] as const;
const SPEAKER_KEYS = [
  ...['author', 'user_profile', 'user', 'from', 'speaker', 'sender', 'sender_name', 'senderName'],
  ...['author_name', 'from_name', 'name', 'username', 'nick', 'role'],
];
const NAME_KEYS = ['nickname', 'display_name', 'displayName', 'real_name', 'realName', 'name', 'username', 'email'];
const TIME_KEYS = [
  ...['timestamp', 'ts', 'time', 'date', 'createdAt', 'created_at', 'timestamp_ms', 'sent_at', 'sentAt'],
  ...['origin_server_ts', 'datetime', 'created'],
];
/** Kinds of record that chat systems write for joins, pins and calls. */
const SYSTEM_TYPES = /^(?:service|system|RecipientAdd|ChannelPinnedMessage|GuildMemberJoin|Call|ThreadCreated)/;
const NO_NAMES: ReadonlyMap<string, string> = new Map();

/** The key that holds a record's text, or null when the record is no message. */
export function textKey(record: Fields): string | null {
  return TEXT_KEYS.find((key) => textIn(record[key]) !== null) ?? null;
}

/** Reads a message out of any object with a text and somebody who said it. Null when it carries no text. */
export function readGenericRecord({ record, lineOf }: LocatedRecord): Message | null {
  const key = textKey(record);
  const text = key === null ? null : textIn(record[key]);
  if (key === null || text === null || text.trim() === '') return null;
  const line = lineOf(key);
  const isMeta = typeof record.sender_name === 'string';
  return {
    line,
    lastLine: line,
    speaker: isMeta ? repaired(record.sender_name) : speakerOf(record),
    time: TIME_KEYS.map((name) => timeIn(record[name])).find((time) => time !== null) ?? null,
    text: isMeta ? repaired(text) : withoutMarks(text, NO_NAMES),
    automated: isAutomated(record),
    id: firstId(record, ['id', 'ts', 'message_id', 'event_id']),
    repliesTo: repliedTo(record),
  };
}

function speakerOf(record: Fields): string | null {
  for (const key of SPEAKER_KEYS) {
    const value = record[key];
    if (typeof value === 'string' && value.trim() !== '') return value.trim().replace(/^@([^:\s]+):[^:\s]+$/, '$1');
    const name = isFields(value) ? firstText(value, NAME_KEYS) : null;
    if (name !== null) return name;
  }
  return null;
}

/** A text, a list of parts, or an object that holds it. */
function textIn(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (isFields(value)) return firstText(value, ['body', 'text', 'content']);
  if (!Array.isArray(value)) return null;
  return value
    .map((part) => (typeof part === 'string' ? part : isFields(part) ? String(part.text ?? '') : ''))
    .join('');
}

function isAutomated(record: Fields): boolean {
  const { author, type } = record;
  if (isFields(author) && (author.isBot === true || author.bot === true)) return true;
  if (record.is_bot === true || record.isBot === true || typeof record.bot_id === 'string') return true;
  return typeof type === 'string' && SYSTEM_TYPES.test(type);
}

function repliedTo(record: Fields): string | undefined {
  const { reference } = record;
  if (isFields(reference)) return firstId(reference, ['messageId']);
  return firstId(record, ['reply_to_message_id', 'replyTo', 'reply_to', 'in_reply_to', 'thread_ts']);
}

/** Meta's exports write the bytes of UTF-8 as if each were a character. */
function repaired(value: unknown): string {
  const text = typeof value === 'string' ? value.trim() : '';
  if (!/[\u00C2-\u00F4][\u0080-\u00BF]/.test(text) || /[^\p{ASCII}\u0080-\u00FF]/u.test(text)) return text;
  const decoded = Buffer.from(text, 'latin1').toString('utf8');
  return decoded.includes('\uFFFD') ? text : decoded;
}
