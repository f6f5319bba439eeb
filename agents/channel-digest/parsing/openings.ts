import { type ReadTimes, readTimes } from './dates/date-order.ts';
import type { Stamp } from './dates/stamp.ts';
import type { Message, Reading } from './format.ts';
import { assumedDates } from './notices.ts';

/** How a line begins a message. */
export interface Opening {
  readonly speaker: string | null;
  readonly stamp: Stamp | null;
  /** The text on the same line; empty if it follows on the next lines. */
  readonly text: string;
  /** What begins here is no talk: it and the lines up to the next opening are left out. */
  readonly dropped?: boolean;
  readonly directTo?: string | undefined;
}

/** A message whose stamp is not settled yet. */
export interface OpenMessage extends Opening {
  readonly body: ReadonlyArray<{ readonly line: number; readonly text: string }>;
}

/** Collects the lines between one opening and the next. Lines in front of the first belong to nobody. */
export function collectMessages(
  lines: readonly string[],
  openingOf: (line: string, index: number) => Opening | null,
): OpenMessage[] {
  const messages: Array<Opening & { body: Array<{ line: number; text: string }> }> = [];
  lines.forEach((line, index) => {
    const opening = openingOf(line, index);
    if (opening !== null)
      messages.push({ ...opening, body: opening.text === '' ? [] : [{ line: index + 1, text: opening.text }] });
    else messages.at(-1)?.body.push({ line: index + 1, text: line });
  });
  return messages.filter(({ dropped }) => dropped !== true);
}

/** Settles the dates of all messages together and cuts blank lines off their ends. */
export function settle(open: readonly OpenMessage[]): Reading {
  const read: ReadTimes = readTimes(open.map(({ stamp }) => stamp));
  const messages = open.flatMap((message, index) => closed(message, read.times[index] ?? null) ?? []);
  return { messages, notices: assumedDates(read.assumed) };
}

function closed({ speaker, body, directTo }: OpenMessage, time: string | null): Message | null {
  const first = body.findIndex(({ text }) => text.trim() !== '');
  const last = body.findLastIndex(({ text }) => text.trim() !== '');
  const kept = body.slice(Math.max(first, 0), last + 1);
  const line = kept[0]?.line;
  const lastLine = kept.at(-1)?.line;
  if (line === undefined || lastLine === undefined) return null;
  const text = kept.map((part) => part.text).join('\n');
  return { line, lastLine, speaker, time, text, automated: false, directTo };
}
