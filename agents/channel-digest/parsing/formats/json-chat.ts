import type { Notice } from '../../schemas.ts';
import { TranscriptError } from '../../transcript-error.ts';
import type { ChatFormat, Message, Reading } from '../format.ts';
import { withoutMarks } from '../inline-marks.ts';
import {
  type Fields,
  fieldsIn,
  firstId,
  firstText,
  isFields,
  type JsonPath,
  type LocatedRecord,
  recordsAt,
  timeIn,
} from '../records.ts';

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
function textKey(record: Fields): string | null {
  return TEXT_KEYS.find((key) => textIn(record[key]) !== null) ?? null;
}

/** Reads a message from any object with a text and an author. Null when it has no text. */
function readGenericRecord({ record, lineOf }: LocatedRecord): Message | null {
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
    text: isMeta ? repaired(text) : withoutMarks(text),
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

/** How deep and how broadly a document is searched for a list of messages. */
const DEEPEST = 4;
const BROADEST = 200;

/** Any other JSON with a list of objects that have a text and somebody who said it. */
export const jsonChat: ChatFormat = {
  name: 'chat-json',
  recognises: ({ json }) => (json === undefined ? 0 : 0.1),
  read(source) {
    const path = messageList(source.json);
    if (path === null)
      throw new TranscriptError(
        'Expected a JSON chat export with an array of messages that have a text and an author, found none. ' +
          'Hand in an array of objects such as {"author": "Ann", "text": "…"}, or an object with one.',
      );
    return readRecords(recordsAt(source, path));
  },
};

/** JSON Lines: one message an object, one object a line; blank lines are allowed. */
export const jsonLinesChat: ChatFormat = {
  name: 'chat-jsonl',
  recognises: () => 0,
  read({ lines }) {
    const records = lines.flatMap((line, index) =>
      line.trim() === '' ? [] : [{ record: parseLine(line, index + 1), lineOf: () => index + 1 }],
    );
    return readRecords(records);
  },
};

function readRecords(records: readonly LocatedRecord[]): Reading {
  const messages = records.flatMap((record) => readGenericRecord(record) ?? []);
  return { messages, notices: nameless(messages) };
}

function nameless(messages: readonly Message[]): Notice[] {
  if (messages.length === 0 || messages.some(({ speaker }) => speaker !== null)) return [];
  const text = 'No record says who wrote it: there are no participants, and what is promised has no owner.';
  return [{ code: 'names', text }];
}

function parseLine(line: string, number: number): Readonly<Record<string, unknown>> {
  const expected = `Expected one JSON object on line ${number} of the JSON Lines text`;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw new TranscriptError(`${expected}, found: ${found}. Correct or remove that line.`, number, { cause: error });
  }
  if (isFields(value)) return value;
  throw new TranscriptError(`${expected}, found ${JSON.stringify(value).slice(0, 40)}. Correct or remove it.`, number);
}

/** The uppermost list whose objects have texts; null when there is none. */
function messageList(document: unknown): JsonPath | null {
  let level: Array<{ value: unknown; path: JsonPath }> = [{ value: document, path: [] }];
  for (let depth = 0; depth <= DEEPEST; depth++) {
    const found = level.find(({ value }) => fieldsIn(value).some((record) => textKey(record) !== null));
    if (found !== undefined) return found.path;
    level = level.flatMap(({ value, path }) =>
      childrenOf(value).map(([step, child]) => ({ value: child, path: [...path, step] })),
    );
  }
  return null;
}

function childrenOf(value: unknown): Array<[string | number, unknown]> {
  if (Array.isArray(value)) return value.slice(0, BROADEST).map((child, index) => [index, child]);
  return isFields(value) ? Object.entries(value).slice(0, BROADEST) : [];
}
