/**
 * A place in what the model of a run says. The places of a run are ordered, by step, attempt and what was said, and a
 * place of an answer that is stored is the same in PostgreSQL and in the stream.
 */
export interface TextPosition {
  /** Which model call of the run, from 1. */
  readonly step: number;
  /** Grows wherever the answer begins anew. 0 before anything was heard. */
  readonly attempt: number;
  /** Said so far in this attempt, in Unicode characters (code points). */
  readonly characters: number;
  /** Tool calls that have begun so far in this attempt. */
  readonly calls: number;
}

/** Providers that one call may try; those after them share a number. */
const MOST_STARTS = 100;

/**
 * The number of an attempt: 1 for the first.
 * @param times how often the call was announced, from 1
 * @param start how many providers had begun to answer before in the same call
 */
export function attemptNumber(times: number, start: number): number {
  return (times - 1) * MOST_STARTS + Math.min(start, MOST_STARTS - 1) + 1;
}

/** The place before anything of a step was heard. */
export function beginningOf(step: number): TextPosition {
  return { step, attempt: 0, characters: 0, calls: 0 };
}

/** As text, `2.1@340.0`. */
export function formatPosition({ step, attempt, characters, calls }: TextPosition): string {
  return `${step}.${attempt}@${characters}.${calls}`;
}

const POSITION = /^([1-9]\d{0,5})\.(\d{1,6})@(\d{1,9})\.(\d{1,3})$/;

/** Null for a text that is not a position. */
export function parsePosition(text: string): TextPosition | null {
  const [step, attempt, characters, calls] = POSITION.exec(text)?.slice(1).map(Number) ?? [];
  if (step === undefined || attempt === undefined || characters === undefined || calls === undefined) return null;
  return { step, attempt, characters, calls };
}

const PAIR = /[\ud800-\udbff]/;

/** The characters of a well-formed text. */
export function charactersIn(text: string): number {
  return PAIR.test(text) ? [...text].length : text.length;
}

/** A well-formed text without its first characters. */
export function withoutFirst(text: string, characters: number): string {
  return PAIR.test(text) ? [...text].slice(characters).join('') : text.slice(characters);
}

/** A well-formed text in pieces of at most so many UTF-16 units, at least 2. No character is cut. */
export function* inPieces(text: string, most: number): Generator<string> {
  for (let from = 0; from < text.length; ) {
    const end = from + most;
    const to = end < text.length && PAIR.test(text.charAt(end - 1)) ? end - 1 : end;
    yield text.slice(from, to);
    from = to;
  }
}
