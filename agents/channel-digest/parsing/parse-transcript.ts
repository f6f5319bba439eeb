import type { Transcript, Utterance } from '../schemas.ts';
import { TranscriptError } from '../transcript-error.ts';
import { parseChatLines } from './chat-lines.ts';
import { parseJsonChat, parseJsonLinesChat } from './json-chat.ts';
import { isEnglish } from './language-of.ts';
import type { Message } from './message.ts';
import { parseNotes } from './notes.ts';
import { buildRoster } from './roster.ts';
import { sourceLines } from './source-lines.ts';

interface Parsed {
  readonly format: Transcript['format'];
  readonly messages: readonly Message[];
}

/**
 * Reads a chat export, meeting notes or plain text into utterances, each with the lines of the source that carry it.
 * The format is told by the content; the file name only decides between two readings of broken JSON.
 * @throws TranscriptError when the text is empty, has no words, or is malformed JSON.
 */
export function parseTranscript(text: string, name: string): Transcript {
  const lines = sourceLines(text);
  const { format, messages } = parseMessages(text, lines, name);
  const utterances = linked(messages.filter(({ text: said }) => said.trim() !== ''));
  const words = utterances.reduce((sum, utterance) => sum + countWords(utterance.text), 0);
  if (words === 0) {
    throw new TranscriptError(
      `Expected a chat export, meeting notes or prose, found ${lines.length} lines without a single word. Hand in a text with content.`,
    );
  }
  const human = utterances.filter(({ automated }) => !automated);
  return {
    name,
    format,
    language: isEnglish(human.map((utterance) => utterance.text).join('\n')) ? 'english' : 'other',
    utterances,
    people: buildRoster(messages),
    statistics: {
      lines: lines.at(-1) === '' ? lines.length - 1 : lines.length,
      utterances: utterances.length,
      words,
      speakers: new Set(human.flatMap(({ speaker }) => speaker ?? [])).size,
      firstTime: utterances.find(({ time }) => time !== null)?.time ?? null,
      lastTime: utterances.findLast(({ time }) => time !== null)?.time ?? null,
    },
  };
}

/** Words as a reader counts them: runs of letters and digits. */
export function countWords(text: string): number {
  return text.match(/[\p{L}\p{N}][\p{L}\p{N}\p{M}'’_.-]*/gu)?.length ?? 0;
}

function parseMessages(text: string, lines: readonly string[], name: string): Parsed {
  if (text.includes('\u0000')) {
    throw new TranscriptError(
      'Expected text in UTF-8, found binary content. Export the talk as .txt, .md, .json or .jsonl.',
    );
  }
  switch (jsonKind(text, lines, name)) {
    case 'json':
      return { format: 'chat-json', messages: parseJsonChat(text) };
    case 'jsonl':
      return { format: 'chat-jsonl', messages: parseJsonLinesChat(text) };
    case 'none': {
      const chat = parseChatLines(lines);
      return chat === null ? { format: 'notes', messages: parseNotes(lines) } : { format: 'chat-text', messages: chat };
    }
  }
}

function jsonKind(text: string, lines: readonly string[], name: string): 'json' | 'jsonl' | 'none' {
  const content = lines.filter((line) => line.trim() !== '');
  const objects = content.filter((line) => /^\s*\{.*\}\s*$/.test(line)).length;
  if (
    objects > 0 &&
    (content.length === 1 ? name.endsWith('.jsonl') : objects > content.length / 2 && opensObject(content))
  )
    return 'jsonl';
  if (/\.jsonl$/i.test(name) || /\.ndjson$/i.test(name)) return content.length === 0 ? 'none' : 'jsonl';
  const start = text.replace(/^\uFEFF/, '').trimStart();
  return /\.json$/i.test(name) || /^(\{\s*["}]|\[\s*[{\]])/.test(start) ? 'json' : 'none';
}

function opensObject(content: readonly string[]): boolean {
  return /^\s*\{\s*"/.test(content[0] ?? '') && /^\s*\{.*\}\s*$/.test(content[0] ?? '');
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
    checked: message.checked ?? null,
    text: emojiFromNames(message.text),
  }));
}

const EMOJI_NAMES: Readonly<Record<string, string>> = {
  '+1': '👍',
  thumbsup: '👍',
  '-1': '👎',
  thumbsdown: '👎',
  tada: '🎉',
  heart: '❤️',
  smile: '😄',
  white_check_mark: '✅',
  eyes: '👀',
  fire: '🔥',
  cry: '😢',
  sob: '😭',
  rocket: '🚀',
};

function emojiFromNames(text: string): string {
  return text.replace(/:([a-z_+\-\d]+):/g, (whole, name: string) => EMOJI_NAMES[name] ?? whole);
}
