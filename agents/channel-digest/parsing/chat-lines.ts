import type { Message } from './message.ts';
import { withoutInvisible } from './source-lines.ts';

/** How one kind of chat text starts a message. `text` is absent where the text follows on the next lines. */
interface ChatPattern {
  readonly start: RegExp;
  /** Least part of the non-blank lines that must start a message for the text to count as this kind. */
  readonly coverage: number;
}

const NAME = String.raw`(?<name>[\p{L}\p{N}_~][\p{L}\p{N}\p{M}_ .'’#|()~-]{0,47}?)`;
const CLOCK = String.raw`\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:\s?[AaPp]\.?[Mm]\.?)?`;
const DAY = String.raw`(?:\d{4}-\d{2}-\d{2}|\d{1,2}[./-](?:\d{1,2}|[A-Za-z]{3})[./-]\d{2,4})`;
const STAMP = String.raw`(?<time>(?:${DAY}[T,]?\s*)?${CLOCK}|${DAY})`;
const WORDED = `(?<time>(?:(?:Today|Yesterday)(?: at)? |${DAY}[, ]*(?:at )?)?${CLOCK})`;

/**
 * Most telling first: a stamp in brackets is never prose, a bare `name: text` often is, so it has to cover most lines
 * and repeat its names.
 */
const PATTERNS: readonly ChatPattern[] = [
  { start: new RegExp(String.raw`^\[${STAMP}\]\s*<?${NAME}>?\s*(?:\(pinned\))?$`, 'u'), coverage: 0.2 },
  { start: new RegExp(String.raw`^\[${STAMP}\]\s*<?${NAME}(?:>|:)\s+(?<text>.*)$`, 'u'), coverage: 0.25 },
  { start: new RegExp(String.raw`^${STAMP}\s*(?:-|–|—)\s+${NAME}:\s+(?<text>.*)$`, 'u'), coverage: 0.25 },
  { start: new RegExp(String.raw`^${STAMP}\s+<?${NAME}(?:>|:)\s+(?<text>.*)$`, 'u'), coverage: 0.25 },
  { start: new RegExp(String.raw`^${NAME}\s*(?:—|–|  )\s*${WORDED}$`, 'u'), coverage: 0.2 },
  { start: new RegExp(String.raw`^${NAME}\s*[([]${STAMP}[)\]]:?\s+(?<text>.*)$`, 'u'), coverage: 0.4 },
  { start: new RegExp(String.raw`^<${NAME}>\s+(?<text>.*)$`, 'u'), coverage: 0.4 },
  { start: new RegExp(String.raw`^\*{0,2}${NAME}\*{0,2}:\*{0,2}\s+(?<text>.*)$`, 'u'), coverage: 0.6 },
];

/** Labels that stand before a colon in notes and are nobody's name. */
const LABELS =
  /^(notes?|todos?|actions?|action items?|decisions?|decided|agreed|questions?|q|a|date|time|place|location|attendees|present|participants|agenda|topic|subject|summary|status|next steps?|update|edit|ps|fyi|warning|error|info|https?)$/i;
const MARKS = /^\{(Attachments|Embed|Reactions|Stickers)\}$/;

/** Reads text in which each message starts on a line of its own; null when the text is not of such a kind. */
export function parseChatLines(source: readonly string[]): Message[] | null {
  const lines = source.map(withoutInvisible);
  const pattern = choosePattern(lines);
  return pattern === null ? null : collect(lines, pattern);
}

function choosePattern(lines: readonly string[]): RegExp | null {
  const sample = lines.filter((line) => line.trim() !== '').slice(0, 2_000);
  for (const { start, coverage } of PATTERNS) {
    const names = sample.flatMap((line) => startOf(line, start)?.name ?? []);
    if (names.length < Math.max(2, coverage * sample.length)) continue;
    const repeats = names.length / new Set(names).size;
    if (coverage >= 0.6 && names.length > 3 && repeats < 1.3) continue;
    return start;
  }
  return null;
}

function startOf(line: string, start: RegExp): { name: string; time: string | null; text: string } | null {
  const groups = start.exec(line)?.groups;
  const name = groups?.name?.trim();
  if (name === undefined || LABELS.test(name) || name.split(/\s+/).length > 5) return null;
  return { name: name.replace(/#\d{4}$/, ''), time: groups?.time ?? null, text: groups?.text?.trim() ?? '' };
}

interface OpenMessage {
  first: number;
  name: string;
  time: string | null;
  body: Array<{ line: number; text: string }>;
}

function collect(lines: readonly string[], start: RegExp): Message[] {
  const messages: Message[] = [];
  let open: OpenMessage | null = null;
  let skipping = false;
  const close = () => {
    const message = open === null ? null : closed(open);
    if (message !== null) messages.push(message);
  };
  lines.forEach((line, index) => {
    const begun = startOf(line, start);
    if (begun !== null) {
      close();
      skipping = false;
      const body = begun.text === '' ? [] : [{ line: index + 1, text: begun.text }];
      open = { first: index + 1, name: begun.name, time: begun.time, body };
    } else if (MARKS.test(line.trim())) skipping = true;
    else if (open !== null && !skipping) open.body.push({ line: index + 1, text: line });
  });
  close();
  return messages;
}

function closed({ name, time, body }: OpenMessage): Message | null {
  while (body.at(-1)?.text.trim() === '') body.pop();
  const first = body.findIndex(({ text }) => text.trim() !== '');
  const kept = body.slice(Math.max(first, 0));
  const line = kept[0]?.line;
  const lastLine = kept.at(-1)?.line;
  if (line === undefined || lastLine === undefined) return null;
  const text = kept.map((part) => part.text).join('\n');
  return { line, lastLine, speaker: name, time, text, automated: isSystemText(text) };
}

function isSystemText(text: string): boolean {
  return /^(<Media omitted>|(joined|left) the (server|channel|group)\.?|pinned a message.*|started a (call|thread).*)$/i.test(
    text.trim(),
  );
}
