import type { Notice, Transcript, Utterance } from '../schemas.ts';
import { TranscriptError } from '../transcript-error.ts';
import type { ChatFormat, Message, Reading, Source } from './format.ts';
import { JSON_FORMATS, TEXT_FORMATS } from './formats/index.ts';
import { jsonLinesChat } from './formats/json-chat.ts';
import { emojiFromNames } from './inline-marks.ts';
import { jsonFaultPosition } from './json-fault.ts';
import { readability } from './language-of.ts';
import { countedMessages, directMessages, wordlessMessages } from './notices.ts';
import { isOneLine } from './records.ts';
import { buildRoster } from './roster.ts';
import { sourceLines } from './source-lines.ts';

/** What the caller knows beside the text. */
export interface ReadOptions {
  /** Names by the ids that the source uses for people. */
  readonly names?: Readonly<Record<string, string>> | undefined;
  /** Which chat of an export that holds several. */
  readonly chat?: string | undefined;
}

/** Formats whose records need not be in the order of time. */
const UNORDERED = new Set<Transcript['format']>([
  ...(['slack', 'discord', 'teams', 'google-chat', 'chat-csv', 'chat-json', 'chat-jsonl'] as const),
]);
/** What a reader gets out of a talk whose format was not understood: the words, and not whose they are. */
const WITHOUT_SPEAKERS = 0.5;

/**
 * Reads what chat programs export, meeting notes or plain text into utterances, each with the lines of the source that
 * carry it. The format is told by the content; the file name only decides between two readings of broken JSON.
 * @throws TranscriptError when the text is empty, has no words, is malformed, or holds several chats and none is named.
 */
export function parseTranscript(text: string, name: string, options: ReadOptions = {}): Transcript {
  const stages = transcriptStages(text, name, options);
  for (;;) {
    const stage = stages.next();
    if (stage.done) return stage.value;
  }
}

/** The same in stages: between two of them, a long text may leave the process its turn. @throws TranscriptError */
export function* transcriptStages(text: string, name: string, options: ReadOptions): Generator<void, Transcript> {
  const source = openSource(text, name, options);
  yield;
  const format = formatOf(source);
  if (source.chat !== null && format.holdsChats?.(source) !== true)
    throw new TranscriptError(`No chat can be chosen: ${name} holds only one. Leave the name "${source.chat}" out.`);
  yield;
  const reading = format.read(source);
  yield;
  const messages = ordered(reading.messages, format).filter(({ text: said }) => said.trim() !== '');
  const utterances = linked(messages);
  yield;
  const statistics = statisticsOf(source, utterances);
  yield;
  const people = buildRoster(messages);
  yield;
  const language = readability(utterances.filter(({ automated, wordless }) => !automated && !wordless));
  const countsMessages = countedMessages(messages, source.json !== undefined && isOneLine(source.text));
  const notices = [
    ...[...reading.notices, ...wordlessMessages(messages), ...directMessages(messages)],
    ...[...language.notices, ...countsMessages],
  ];
  const isForeign = notices.some(({ code }) => code === 'format');
  return {
    name,
    format: format.name,
    language: language.language,
    legibility: language.legibility * (isForeign ? WITHOUT_SPEAKERS : 1),
    notices: inOrderOfWeight(notices),
    utterances,
    people,
    statistics,
  };
}

/** Words as a reader counts them: runs of letters and digits. */
export function countWords(text: string): number {
  return text.match(/[\p{L}\p{N}][\p{L}\p{N}\p{M}'’_.-]*/gu)?.length ?? 0;
}

function openSource(text: string, name: string, { names = {}, chat }: ReadOptions): Source {
  if (text.includes('\u0000')) {
    throw new TranscriptError(
      'Expected text in UTF-8, found binary content. Export the talk as .txt, .md, .csv, .vtt, .json or .jsonl.',
    );
  }
  const lines = sourceLines(text);
  const unified = lines.join('\n');
  const json = jsonKind(unified, lines, name) === 'json' ? parseJson(unified) : undefined;
  return { name, text: unified, lines, json, names: new Map(Object.entries(names)), chat: chat ?? null };
}

function formatOf(source: Source): ChatFormat {
  if (source.json === undefined && jsonKind(source.text, source.lines, source.name) === 'jsonl') return jsonLinesChat;
  const formats = source.json === undefined ? TEXT_FORMATS : JSON_FORMATS;
  const ranked = formats.map((format) => ({ format, sureness: format.recognises(source) }));
  const [best] = ranked.toSorted((one, other) => other.sureness - one.sureness);
  if (best === undefined) throw new TranscriptError('No format takes this text.');
  return best.format;
}

function jsonKind(text: string, lines: readonly string[], name: string): 'json' | 'jsonl' | 'none' {
  const content = lines.filter((line) => line.trim() !== '');
  const objects = content.filter(isObjectLine).length;
  if (
    objects > 0 &&
    (content.length === 1 ? name.endsWith('.jsonl') : objects > content.length / 2 && isObjectLine(content[0] ?? ''))
  )
    return 'jsonl';
  if (/\.(?:jsonl|ndjson)$/i.test(name)) return content.length === 0 ? 'none' : 'jsonl';
  return /\.json$/i.test(name) || /^(?:\{\s*["}]|\[\s*[{\]])/.test(text.trimStart()) ? 'json' : 'none';
}

function isObjectLine(line: string): boolean {
  const trimmed = line.trim();
  return /^\{\s*["}]/.test(trimmed) && trimmed.endsWith('}');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    const line = text.slice(0, jsonFaultPosition(text)).split('\n').length;
    const expected = `Expected a JSON chat export, found malformed JSON on line ${line}: ${found}.`;
    throw new TranscriptError(`${expected} Export the chat again, or hand it in as text.`, line, { cause: error });
  }
}

/** By time, where every record has one; records of the same moment keep their order. */
function ordered(messages: Reading['messages'], { name }: ChatFormat): readonly Message[] {
  if (!UNORDERED.has(name)) return messages;
  const moments = messages.map(({ time }) => momentOf(time ?? ''));
  if (moments.some(Number.isNaN)) return messages;
  return messages
    .map((message, index) => ({ message, moment: moments[index] ?? 0 }))
    .sort((one, other) => one.moment - other.moment)
    .map(({ message }) => message);
}

/** A time without a zone is compared as it is, not moved by the zone of this machine. */
function momentOf(time: string): number {
  if (!/^\d{4}-\d{2}-\d{2}/.test(time)) return Number.NaN;
  return Date.parse(/T\d{2}:\d{2}(?::\d{2})?$/.test(time) ? `${time}Z` : time);
}

function linked(messages: readonly Message[]): Utterance[] {
  const byId = new Map(messages.flatMap(({ id }, index) => (id === undefined ? [] : [[id, index] as const])));
  return messages.map((message, index) => ({
    index,
    line: message.line,
    lastLine: message.lastLine,
    speaker: message.speaker,
    time: message.time,
    section: message.section ?? null,
    replyTo: message.repliesTo === undefined ? null : (byId.get(message.repliesTo) ?? null),
    automated: message.automated,
    wordless: message.wordless ?? false,
    directTo: message.directTo ?? null,
    checked: message.checked ?? null,
    text: emojiFromNames(message.text),
  }));
}

function statisticsOf({ lines }: Source, utterances: readonly Utterance[]): Transcript['statistics'] {
  const words = utterances.reduce((sum, { text }) => sum + countWords(text), 0);
  if (words === 0) {
    throw new TranscriptError(
      `Expected a chat export, meeting notes or prose, found ${lines.length} lines without a single word. Hand in a text with content.`,
    );
  }
  return {
    lines: lines.at(-1) === '' ? lines.length - 1 : lines.length,
    utterances: utterances.length,
    words,
    speakers: new Set(utterances.flatMap(({ speaker, automated }) => (automated ? [] : (speaker ?? [])))).size,
    firstTime: utterances.find(({ time }) => time !== null)?.time ?? null,
    lastTime: utterances.findLast(({ time }) => time !== null)?.time ?? null,
  };
}

/** What puts the digest in doubt comes first. */
function inOrderOfWeight(notices: readonly Notice[]): Notice[] {
  const heavy = ({ code }: Notice) => Number(code !== 'format' && code !== 'language');
  return notices.toSorted((one, other) => heavy(one) - heavy(other));
}
