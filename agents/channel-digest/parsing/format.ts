import type { Notice, Transcript } from '../schemas.ts';

/** What every chat reader yields for one message, before names are settled and replies are linked. */
export interface Message {
  /** First line of the source that carries the text. */
  readonly line: number;
  readonly lastLine: number;
  readonly speaker: string | null;
  readonly time: string | null;
  readonly text: string;
  readonly automated: boolean;
  /** The text describes something without words, such as a sticker. */
  readonly wordless?: boolean | undefined;
  /** The only person to whom it was sent. */
  readonly directTo?: string | undefined;
  /** Id by which other messages may refer to this one, where the source has such ids. */
  readonly id?: string | undefined;
  readonly repliesTo?: string | undefined;
  readonly section?: string | undefined;
  readonly checked?: boolean | undefined;
}

/** A source as the readers of the formats see it. */
export interface Source {
  /** The file's name. */
  readonly name: string;
  /** The text with `\n` as its only line end and no byte order mark. */
  readonly text: string;
  readonly lines: readonly string[];
  /** The parsed JSON; undefined when the source is no JSON document. */
  readonly json: unknown;
  /** Names by the ids that the source uses for people, from a file beside it. */
  readonly names: ReadonlyMap<string, string>;
  /** Which chat of an export that holds several is wanted; null when the caller did not say. */
  readonly chat: string | null;
}

export interface Reading {
  readonly messages: readonly Message[];
  readonly notices: readonly Notice[];
}

/** One kind of export: how it is told from others, and how it is read. */
export interface ChatFormat {
  readonly name: Transcript['format'];
  /** How sure it is that the source is of this kind: 0 is no, 1 is beyond doubt. The surest format reads the source. */
  recognises(source: Source): number;
  /** Whether the source holds several chats, of which the caller names one. Absent: it never does. */
  holdsChats?(source: Source): boolean;
  /** @throws TranscriptError when the source is of this kind and cannot be read. */
  read(source: Source): Reading;
}

/** As many lines as show what a source is. */
const SAMPLE = 2_000;

/** The first lines that hold anything. */
export function sampleOf(lines: readonly string[]): string[] {
  const sample: string[] = [];
  for (const line of lines) {
    if (sample.length === SAMPLE) break;
    if (line.trim() !== '') sample.push(line);
  }
  return sample;
}
