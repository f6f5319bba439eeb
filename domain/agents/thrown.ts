import { type ErrorCode, MusterError } from '../errors.ts';
import { RateLimited } from '../limits/limit-errors.ts';
import { readSafely, thrownText } from '../thrown-text.ts';

/** The longest wait before the next attempt, whether a handler asks for it or a limit requires it. */
const MOST_RETRY_AFTER_MS = 3_600_000;
export const MOST_LIMIT_DELAY_MS = 86_400_000;
/** The causes of an error that its text tells. */
const MOST_CAUSES = 5;

/** A handler's error, parsed once: plain facts that are safe to store, log and send. */
export interface Thrown {
  /** The runtime's code if the runtime raised the error for this handler; otherwise `handler_failed`. */
  readonly code: ErrorCode;
  /** With the causes of the error, at most 2,000 characters. */
  readonly message: string;
  /** Whether another attempt may help: false if a `MusterError` says so. */
  readonly retryable: boolean;
  /** The least wait before the next attempt that the error asks for, in milliseconds; null without a valid one. */
  readonly retryAfterMs: number | null;
  /** Set when the limiter refused this handler, which is no failure: the milliseconds to wait, at least 1. */
  readonly limitedForMs: number | null;
}

/** Errors that the runtime raised for a handler. Only these instances are trusted, not errors that look like them. */
const spoken = new WeakSet<object>();

/**
 * Carries out a handler's request to its context. An error of Muster that it throws is remembered as the runtime's own,
 * so that it is trusted when the handler rethrows it.
 */
export async function answering<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw ownWord(error);
  }
}

/** The same for synchronous requests. */
export function answeringAtOnce<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw ownWord(error);
  }
}

function ownWord(error: unknown): unknown {
  if (error instanceof HandlerThrew) return error.thrown;
  if (error instanceof MusterError) spoken.add(error);
  return error;
}

/** Carries an error of a handler's code across the border, so that no code on this side treats it as its own. */
export class HandlerThrew {
  readonly thrown: unknown;
  constructor(thrown: unknown) {
    this.thrown = thrown;
  }
}

/**
 * Calls the code of a handler. Everything that it throws is wrapped as {@link HandlerThrew}, to be parsed, or, inside
 * {@link answering}, to be returned to the handler as its own error.
 */
export async function acrossBorder<Result>(call: () => Promise<Result> | Result): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    throw new HandlerThrew(error);
  }
}

/** Parses what a handler threw. Never throws itself. */
export function parseThrown(thrown: unknown): Thrown {
  const ours = isSpoken(thrown) ? thrown : null;
  const waitMs = retryAfterOf(thrown);
  const limited = ours instanceof RateLimited;
  return {
    code: ours?.code ?? 'handler_failed',
    message: ours === null ? textWithCauses(thrown) : thrownText(thrown),
    retryable: readSafely(thrown, 'retryable') !== false || !isMusterError(thrown),
    retryAfterMs: waitMs === null ? null : Math.min(waitMs, MOST_RETRY_AFTER_MS),
    limitedForMs: limited ? Math.min(Math.max(waitMs ?? 1_000, 1), MOST_LIMIT_DELAY_MS) : null,
  };
}

/** The text of an error and of its causes, without those that it quotes itself. A circle of causes ends. */
function textWithCauses(thrown: unknown): string {
  const texts = [thrownText(thrown)];
  let cause = readSafely(thrown, 'cause');
  for (let left = MOST_CAUSES; left > 0 && cause !== undefined && cause !== null; left -= 1) {
    const text = thrownText(cause);
    if (!texts.some((told) => told.includes(text))) texts.push(text);
    cause = readSafely(cause, 'cause');
  }
  return thrownText(texts.join(', caused by: '));
}

function isSpoken(thrown: unknown): thrown is MusterError {
  return typeof thrown === 'object' && thrown !== null && spoken.has(thrown);
}

function isMusterError(thrown: unknown): boolean {
  try {
    return thrown instanceof MusterError;
  } catch {
    return false;
  }
}

/** A valid number of milliseconds from `retryAfterMs` of the error or of its facts. */
function retryAfterOf(thrown: unknown): number | null {
  const found = readSafely(thrown, 'retryAfterMs') ?? readSafely(readSafely(thrown, 'facts'), 'retryAfterMs');
  return typeof found === 'number' && Number.isFinite(found) && found >= 0 ? found : null;
}
