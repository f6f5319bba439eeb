import type { TextPosition } from '../domain/thinking/text-position.ts';

/** One piece of what a model says: a text, or the name of a tool whose call begins. */
export interface TextPiece {
  /** The place behind it. */
  readonly at: TextPosition;
  readonly text: string;
  /** Null for a text. */
  readonly tool: string | null;
}

const ATTEMPTS_PER_STEP = 1_000_000;
const CALLS_PER_CHARACTER = 1_000;

/** The id of the entry that ends at a place. The order of ids is that of places. */
export function entryId({ step, attempt, characters, calls }: TextPosition): string {
  return `${step * ATTEMPTS_PER_STEP + attempt}-${characters * CALLS_PER_CHARACTER + calls}`;
}

/** The last id that an entry of a step may have. */
export function lastIdOf(step: number): string {
  return String((step + 1) * ATTEMPTS_PER_STEP - 1);
}

/** Reads an entry; null for one that other programs wrote. */
export function parseEntry(id: string, [field, value]: readonly string[]): TextPiece | null {
  const [, major, minor] = /^(\d{1,15})-(\d{1,15})$/.exec(id)?.map(Number) ?? [];
  if (major === undefined || minor === undefined || value === undefined) return null;
  if (field !== 'text' && field !== 'tool') return null;
  const at = {
    step: Math.floor(major / ATTEMPTS_PER_STEP),
    attempt: major % ATTEMPTS_PER_STEP,
    characters: Math.floor(minor / CALLS_PER_CHARACTER),
    calls: minor % CALLS_PER_CHARACTER,
  };
  return field === 'text' ? { at, text: value, tool: null } : { at, text: '', tool: value };
}
