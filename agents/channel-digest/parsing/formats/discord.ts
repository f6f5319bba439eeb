import type { Notice } from '../../schemas.ts';
import { type ChatFormat, type Message, sampleOf } from '../format.ts';
import { withoutMarks } from '../inline-marks.ts';
import { listed } from '../notices.ts';
import {
  type Fields,
  fieldsIn,
  firstId,
  firstText,
  isFields,
  type LocatedRecord,
  recordsAt,
  shareOf,
  timeIn,
  valueAt,
} from '../records.ts';
import { readHeaders } from './chat-lines.ts';

/** Kinds of message that somebody wrote; all others are the system's. Old exports number them. */
const WRITTEN = new Set(['Default', 'Reply', 'ThreadStarterMessage', '0', '19', '21']);
const THREAD = new Set(['ThreadCreated', '18']);

/** DiscordChatExporter's JSON. What holds only an embed, a forward, a sticker or a file says so in brackets. */
export const discord: ChatFormat = {
  name: 'discord',
  recognises({ json }) {
    const messages = fieldsIn(valueAt(json, ['messages']));
    const share = shareOf(messages, ({ author, content }) => isFields(author) && typeof content === 'string');
    return share > 0.5 && isFields(valueAt(json, ['channel'])) ? 0.95 : 0;
  },
  read(source) {
    const records = recordsAt(source, ['messages']);
    const names = namesIn(records);
    const messages = records.flatMap((record) => messageOf(record, names) ?? []);
    return { messages, notices: threads(records) };
  },
};

function namesIn(records: readonly LocatedRecord[]): Map<string, string> {
  const people = records.flatMap(({ record }) => [record.author, ...fieldsIn(record.mentions)]).filter(isFields);
  return new Map(people.flatMap((one) => [[firstId(one, ['id']) ?? '', authorName(one) ?? ''] as const]));
}

function authorName(author: unknown): string | null {
  return isFields(author) ? firstText(author, ['nickname', 'name', 'username']) : null;
}

function messageOf({ record, lineOf }: LocatedRecord, names: ReadonlyMap<string, string>): Message | null {
  const type = String(record.type ?? 'Default');
  const written = withoutMarks(firstText(record, ['content']) ?? '', names);
  const text = THREAD.has(type) ? `[thread: ${written}]` : written !== '' ? written : shownOnly(record, names);
  if (text === '') return null;
  const line = lineOf('content');
  const bot = isFields(record.author) && record.author.isBot === true;
  return {
    line,
    lastLine: line,
    speaker: authorName(record.author),
    time: timeIn(record.timestamp),
    text,
    automated: bot || !WRITTEN.has(type),
    wordless: written === '',
    id: firstId(record, ['id']),
    repliesTo: isFields(record.reference) ? firstId(record.reference, ['messageId']) : undefined,
  };
}

/** What a message without words shows instead. */
function shownOnly(record: Fields, names: ReadonlyMap<string, string>): string {
  const forwarded = isFields(record.forwardedMessage) ? (firstText(record.forwardedMessage, ['content']) ?? '') : null;
  if (forwarded !== null) return `[forward: ${withoutMarks(forwarded, names)}]`;
  const kinds = [
    ['sticker', fieldsIn(record.stickers), ['name']],
    ['file', fieldsIn(record.attachments), ['fileName', 'filename', 'url']],
    ['embed', fieldsIn(record.embeds), ['title', 'description', 'url']],
  ] as const;
  const [kind, shown, keys] = kinds.find(([, found]) => found.length > 0) ?? ['', [], []];
  if (kind === '') return '';
  const named = shown.flatMap((one) => firstText(one, keys) ?? []);
  return named.length === 0 ? `[${kind}]` : `[${kind}: ${named.join(', ')}]`;
}

function threads(records: readonly LocatedRecord[]): Notice[] {
  const started = records.flatMap(({ record }) =>
    THREAD.has(String(record.type)) ? [firstText(record, ['content']) ?? 'without a name'] : [],
  );
  if (started.length === 0) return [];
  const what = started.length === 1 ? '1 thread was' : `${started.length} threads were`;
  return [{ code: 'content', text: `${what} started here and has an export of its own: ${listed(started)}.` }];
}

const RULE = /^={20,}$/;
const FOOTER = /^Exported \d[\d.,]* message\(s\)$/;

/** The plain text of DiscordChatExporter: a block that names the server and the channel, messages, and their number. */
export const discordText: ChatFormat = {
  name: 'discord',
  recognises({ lines }) {
    const head = sampleOf(lines).slice(0, 6);
    return ['Guild: ', 'Channel: '].every((title) => head.some((line) => line.startsWith(title))) ? 0.95 : 0;
  },
  read({ lines }) {
    const last = lines.findLastIndex((line) => FOOTER.test(line.slice(0, 80).trimEnd()));
    const end = RULE.test(lines[last - 1]?.slice(0, 200).trimEnd() ?? '') ? last - 1 : last;
    return readHeaders(last < 0 ? lines : lines.slice(0, end));
  },
};
