import { readStamp, type Stamp } from '../dates/stamp.ts';
import { type ChatFormat, type Reading, sampleOf } from '../format.ts';
import { isLabel } from '../labels.ts';
import { collectMessages, type Opening, settle } from '../openings.ts';
import { withoutInvisible } from '../source-lines.ts';

interface Style {
  /** Least part of the non-blank lines that must begin a message for the text to be of this style. */
  readonly coverage: number;
  readonly opening: (line: string) => Opening | null;
}

/** Only the beginning of a line says who speaks. */
const HEAD = 160;
const NAME = /^[\p{L}\p{N}_~+@][^<>[\]{}:"“”]{0,59}$/u;
const BARE_NAME = /^[\p{L}\p{N}_~][\p{L}\p{N}\p{M}_ .,'’#|()~\p{Extended_Pictographic}-]{0,47}$/u;
/** What Discord's text export writes below a message. */
const MARKS = /^\{(?:Attachments|Embed|Embeds|Reactions|Stickers)\}$/;
/** What the system writes in the name of somebody. */
const SYSTEM =
  /^(?:<Media omitted>|(?:joined|left) the (?:server|channel|group)\.?|pinned a message.{0,80}|started a (?:call|thread).{0,80})$/i;
const TALK = /\b(?:I|I'm|I'll|we|you|your|my|hi|hello|hey|thanks|ok|okay|yes|yeah|no|sure|bye|lol)\b|[?!]/i;

/** Most telling first: a stamp in brackets is never prose, a bare `name: text` often is. */
const STYLES: readonly Style[] = [
  { coverage: 0.2, opening: stampedHeader },
  { coverage: 0.25, opening: stampedLine },
  { coverage: 0.2, opening: headerWithStamp },
  { coverage: 0.4, opening: nameWithStamp },
  { coverage: 0.6, opening: bareName },
];

/** Text in which each message starts on a line of its own, as people copy it out of chat windows. */
export const chatLines: ChatFormat = {
  name: 'chat-text',
  recognises({ lines }) {
    return styleOf(lines) === null ? 0 : 0.5;
  },
  read({ lines }) {
    const style = styleOf(lines);
    return style === null ? { messages: [], notices: [] } : readWith(style.opening, lines);
  },
};

/** Reads a text whose messages are known to begin with a stamp in brackets and a name, on a line of their own. */
export function readHeaders(lines: readonly string[]): Reading {
  return readWith(stampedHeader, lines);
}

function readWith(openingOf: Style['opening'], lines: readonly string[]): Reading {
  const { messages, notices } = settle(collectMessages(withoutMarks(lines), openingOf));
  return {
    notices,
    messages: messages.map((message) => ({ ...message, automated: SYSTEM.test(message.text.slice(0, 200).trim()) })),
  };
}

function styleOf(lines: readonly string[]): Style | null {
  const sample = sampleOf(lines);
  return STYLES.find((style) => isOfStyle(sample, style)) ?? null;
}

function isOfStyle(sample: readonly string[], style: Style): boolean {
  const opened = sample.flatMap((line) => style.opening(line) ?? []);
  if (opened.length < Math.max(2, style.coverage * sample.length)) return false;
  if (style.coverage < 0.6) return true;
  // Labels of notes stand before a colon too; people come again, or speak like people.
  const repeats = opened.length / new Set(opened.map(({ speaker }) => speaker)).size;
  return repeats >= 1.3 || (opened.length <= 3 && opened.some(({ text }) => TALK.test(text.slice(0, 400))));
}

/** `[20-Nov-26 10:02 AM] mara#1234`, the text below. */
function stampedHeader(raw: string): Opening | null {
  const line = withoutInvisible(raw.slice(0, HEAD + 1));
  if (line.length > HEAD) return null;
  const bracketed = inBrackets(line);
  if (bracketed === null) return null;
  const name = nameOf(line.slice(bracketed.end).replace(/\(pinned\)\s?$/, ''), NAME);
  return name === null ? null : { speaker: name, stamp: bracketed.stamp, text: '' };
}

/** `[10:02] mara: hi`, `10:02 mara: hi`, `2026-11-20 10:02 - mara: hi`. */
function stampedLine(raw: string): Opening | null {
  const line = withoutInvisible(raw.slice(0, HEAD));
  const bracketed = inBrackets(line) ?? bareStamp(line);
  return bracketed === null ? null : named(raw, line, { ...bracketed, pattern: NAME });
}

/** `mara — Today at 10:02` or `Mara Lind  0:05`, the text below. */
function headerWithStamp(raw: string): Opening | null {
  const line = withoutInvisible(raw.slice(0, HEAD + 1)).trimEnd();
  const gap = /\s?[—–]\s?| {2,8}|\t/.exec(line);
  if (line.length > HEAD || gap === null) return null;
  const stamp = readStamp(line, gap.index + gap[0].length);
  const name = nameOf(line.slice(0, gap.index), NAME);
  return name === null || stamp === null || stamp.end !== line.length ? null : { speaker: name, stamp, text: '' };
}

/** `Mara Lind (00:01:10): hi`. */
function nameWithStamp(raw: string): Opening | null {
  const line = withoutInvisible(raw.slice(0, HEAD));
  const open = line.search(/[([]/);
  if (open < 1) return null;
  const stamp = readStamp(line, open + 1);
  const name = nameOf(line.slice(0, open), NAME);
  const close = stamp === null ? null : /^[)\]]:?\s{1,4}(?=\S)/.exec(line.slice(stamp.end));
  if (stamp === null || name === null || close === null) return null;
  return { speaker: name, stamp, text: withoutInvisible(raw).slice(stamp.end + close[0].length) };
}

/** `mara: hi`, also `**mara:** hi` and `Lind, Mara: hi`. */
function bareName(raw: string): Opening | null {
  const line = withoutInvisible(raw.slice(0, HEAD));
  return named(raw, line, { stamp: null, end: 0, pattern: BARE_NAME });
}

interface Behind {
  readonly stamp: Stamp | null;
  /** Where the name begins. */
  readonly end: number;
  readonly pattern: RegExp;
}

function named(raw: string, line: string, { stamp, end, pattern }: Behind): Opening | null {
  const colon = /^\*{0,2}(.{1,60}?)\*{0,2}:\*{0,2}(?: {1,4}|\t|$)/u.exec(line.slice(end));
  const name = nameOf(colon?.[1] ?? '', pattern);
  if (colon === null || name === null || (stamp === null && line.length === colon[0].length)) return null;
  return { speaker: name, stamp, text: withoutInvisible(raw).slice(end + colon[0].length) };
}

function inBrackets(line: string): { stamp: Stamp; end: number } | null {
  const stamp = /^[[(]/.test(line) ? readStamp(line, 1) : null;
  const close = stamp === null ? null : /^[\])]\s{0,4}/.exec(line.slice(stamp.end));
  return stamp === null || close === null ? null : { stamp, end: stamp.end + close[0].length };
}

function bareStamp(line: string): { stamp: Stamp; end: number } | null {
  const stamp = readStamp(line);
  const gap = stamp === null ? null : /^(?:\s{1,4}(?:[-–—]\s{1,4})?|[-–—]\s{1,4})/.exec(line.slice(stamp.end));
  return stamp === null || gap === null ? null : { stamp, end: stamp.end + gap[0].length };
}

/** A name as it is shown, or null when these words are no name. Discord's old numbers are no part of it. */
function nameOf(words: string, pattern: RegExp): string | null {
  const name = words.trim().replace(/#\d{4}$/, '');
  const isName = pattern.test(name) && !isLabel(name) && name.split(/\s+/).length <= 6;
  return isName ? name : null;
}

/** Attachments, embeds and reactions, up to the next blank line. */
function withoutMarks(lines: readonly string[]): string[] {
  let skipping = false;
  return lines.map((line) => {
    if (MARKS.test(line.trim().slice(0, 20))) skipping = true;
    else if (line.trim() === '' || stampedHeader(line) !== null) skipping = false;
    return skipping ? '' : line;
  });
}
