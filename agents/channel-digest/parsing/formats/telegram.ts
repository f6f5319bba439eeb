import type { ChatFormat, Message, Source } from '../format.ts';
import { chosenChat } from '../notices.ts';
import {
  type Fields,
  fieldsIn,
  firstId,
  firstText,
  isFields,
  type JsonPath,
  type LocatedRecord,
  recordsAt,
  shareOf,
  timeIn,
  valueAt,
} from '../records.ts';

const ONE_CHAT: JsonPath = ['messages'];
const ALL_CHATS: JsonPath = ['chats', 'list'];
/** What a message without a text may hold, and how it is called. */
const MEDIA: ReadonlyArray<readonly [string, string]> = [
  ['photo', 'photo'],
  ['contact_information', 'contact'],
  ['location_information', 'location'],
  ['file', 'file'],
];

/** Telegram's `result.json`: one chat, or a whole account of which one chat is chosen. */
export const telegram: ChatFormat = {
  name: 'telegram',
  recognises({ json }) {
    if (fieldsIn(valueAt(json, ALL_CHATS)).some(({ messages }) => Array.isArray(messages))) return 0.95;
    const messages = fieldsIn(valueAt(json, ONE_CHAT));
    return shareOf(messages, (one) => 'from_id' in one || 'actor_id' in one || one.type === 'service') > 0.5 ? 0.95 : 0;
  },
  holdsChats: ({ json }) => !Array.isArray(valueAt(json, ONE_CHAT)),
  read(source) {
    const messages = recordsAt(source, pathOf(source)).flatMap((record) => messageOf(record) ?? []);
    const forwarded = messages.filter(({ forwardedFrom }) => forwardedFrom !== null).length;
    const text = `${forwarded === 1 ? '1 message is' : `${forwarded} messages are`} forwarded: the words are somebody else's.`;
    return {
      messages: messages.map(({ forwardedFrom: _, ...message }) => message),
      notices: forwarded === 0 ? [] : [{ code: 'content', text }],
    };
  },
};

function pathOf(source: Source): JsonPath {
  if (Array.isArray(valueAt(source.json, ONE_CHAT))) return ONE_CHAT;
  const chats = fieldsIn(valueAt(source.json, ALL_CHATS)).map((chat, index) => ({
    name: firstText(chat, ['name']) ?? `${firstText(chat, ['type']) ?? 'chat'} ${firstId(chat, ['id']) ?? index}`,
    path: [...ALL_CHATS, index, 'messages'],
    messages: fieldsIn(chat.messages).filter(({ type }) => type === 'message').length,
  }));
  return chosenChat(chats, source, 'a whole Telegram account').path;
}

function messageOf({ record, lineOf }: LocatedRecord): (Message & { forwardedFrom: string | null }) | null {
  if (record.type !== 'message') return null;
  const written = textIn(record.text).trim();
  const poll = pollIn(record.poll);
  const text = written !== '' ? written : (poll ?? `[${mediaIn(record)}]`);
  if (text === '[]') return null;
  const line = lineOf(written !== '' || poll === null ? 'text' : 'poll');
  return {
    line,
    lastLine: line,
    // A deleted account has lost its name, and keeps its id.
    speaker: firstText(record, ['from', 'from_id']),
    time: timeIn(record.date) ?? timeIn(record.date_unixtime),
    text,
    automated: false,
    wordless: written === '' && poll === null,
    id: firstId(record, ['id']),
    repliesTo: firstId(record, ['reply_to_message_id']),
    forwardedFrom: firstText(record, ['forwarded_from']),
  };
}

/** A text, or a list of texts and of parts with a form. */
function textIn(value: unknown): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return '';
  return value.map((part) => (isFields(part) ? textIn(part.text) : textIn(part))).join('');
}

function pollIn(poll: unknown): string | null {
  const question = isFields(poll) ? firstText(poll, ['question']) : null;
  if (question === null || !isFields(poll)) return null;
  const answers = fieldsIn(poll.answers).flatMap((answer) => firstText(answer, ['text']) ?? []);
  return [question, ...answers.map((answer) => `– ${answer}`)].join('\n');
}

function mediaIn(record: Fields): string {
  const kind = firstText(record, ['media_type']);
  if (kind !== null) return [kind.replaceAll('_', ' '), record.sticker_emoji ?? ''].join(' ').trim();
  return MEDIA.find(([key]) => record[key] !== undefined)?.[1] ?? '';
}
