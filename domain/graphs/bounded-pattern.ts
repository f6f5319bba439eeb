import { RE2JS } from 're2js';
import { errorClause } from '../errors.ts';

const MAX_PATTERN = 500;
/** How large a pattern may be, and all patterns of one node together: what they compile to, in steps. */
export const MAX_STEPS = 5_000;
/** How much patterns may do in one go: their steps times the characters of the texts. Takes about a second. */
const MAX_WORK = 20_000_000;

type Compiled = { readonly ok: true; readonly engine: RE2JS } | { readonly ok: false; readonly fault: string };

/** Compiles a pattern, or says in a sentence why it cannot be used. One that is too large is not compiled: that may take seconds. */
export function compilePattern(pattern: string): Compiled {
  const { length } = pattern;
  if (length > MAX_PATTERN) return refused(`Expected at most ${MAX_PATTERN} characters, found ${length}.`);
  const steps = stepsOf(pattern);
  if (steps > MAX_STEPS)
    return refused(`The pattern repeats too much: ${steps} steps, where ${MAX_STEPS} are allowed.`);
  try {
    return { ok: true, engine: RE2JS.compile(pattern) };
  } catch (error) {
    return refused(`The pattern is not a regular expression of RE2: ${errorClause(error)}.`);
  }
}

function refused(fault: string): Compiled {
  return { ok: false, fault };
}

/** A quoted text, an escape, a class, a repetition by numbers, or any other character. */
const PARTS =
  /\\Q.*?(?:\\E|$)|\\[pPx]\{[^}]*\}|\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|\{(\d+)(?:(,)(\d*))?\}|./gsu;

/** At least as many steps as a pattern compiles to, without compiling it. */
export function stepsOf(pattern: string): number {
  const outer: number[] = [];
  let sum = 0;
  let last = 0;
  for (const [part, least, range, most] of pattern.matchAll(PARTS)) {
    if (part === '(') {
      outer.push(sum);
      sum = 2;
    } else if (part === ')') {
      last = sum;
      sum += outer.pop() ?? 0;
    } else if (least !== undefined) {
      last *= range === undefined ? Number(least) : 2 * Math.max(Number(least) + 1, Number(most));
      sum += last;
    } else {
      last = part.startsWith('\\Q') ? part.length : 1;
      sum += last;
    }
  }
  return outer.reduce((all, one) => all + one, sum);
}

/** What patterns may still do in one go, over all texts that they are tried on. */
export class PatternWork {
  #left = MAX_WORK;

  /** Whether a pattern may be tried on a text, which uses up as much. */
  allows(engine: RE2JS, { length }: string): boolean {
    const work = engine.programSize() * length;
    if (work > this.#left) return false;
    this.#left -= work;
    return true;
  }
}
