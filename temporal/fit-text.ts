import { createHash } from 'node:crypto';

/** What a Temporal server accepts, in bytes of UTF-8. It refuses longer ones as INVALID_ARGUMENT, at every retry. */
export const TEMPORAL_LIMITS = {
  /** One search attribute, as JSON. */
  searchAttribute: 2_048,
  /** One that is a single word: a user's name of 255 characters fits, whatever they are. */
  keyword: 1_020,
  /** The key by which tasks share a task queue. */
  fairnessKey: 64,
  /** The id of a workflow or an activity, and the name of a task queue. */
  identifier: 1_000,
  /** The line of an execution in lists: the server's default for the summary of a start. */
  summary: 400,
  /** The server's default for the details of a start. */
  details: 20_000,
} as const;

const HASH_DIGITS = 8;
/** The fewest bytes that a text can be shortened to: a mark and the hash. */
const SHORTEST = HASH_DIGITS + 1;

/**
 * A text of at most `maxBytes` bytes. A longer one keeps its beginning and ends in `~` and a hash of the whole, so that
 * two different texts stay different.
 */
export function fitText(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const room = Math.max(0, maxBytes - SHORTEST);
  let kept = '';
  let bytes = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > room) break;
    kept += character;
  }
  return `${kept}~${hashOf(text)}`;
}

/**
 * Texts that take at most `maxBytes` bytes as JSON: as many of the first as fit. When some do not fit, the last text
 * says how many, and has their hash.
 */
export function fitList(texts: readonly string[], maxBytes: number): string[] {
  if (jsonBytes(texts) <= maxBytes) return [...texts];
  for (let count = texts.length - 1; count > 0; count -= 1) {
    const rest = texts.slice(count);
    const fitted = [...texts.slice(0, count), `and ${rest.length} more~${hashOf(rest.join('\n'))}`];
    if (jsonBytes(fitted) <= maxBytes) return fitted;
  }
  return [`${texts.length}~${hashOf(texts.join('\n'))}`];
}

function jsonBytes(texts: readonly string[]): number {
  return Buffer.byteLength(JSON.stringify(texts));
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HASH_DIGITS);
}
