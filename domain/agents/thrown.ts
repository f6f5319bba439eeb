import { type ErrorCode, MusterError } from '../errors.ts';
import { RateLimited } from '../limits/limit-errors.ts';
import { readSafely, thrownText } from '../thrown-text.ts';

/** The longest wait that a handler may ask for before its next attempt, and that it may be told to wait for a limit. */
export const MOST_RETRY_AFTER_MS = 3_600_000;
export const MOST_LIMIT_DELAY_MS = 86_400_000;

/** What a handler threw, parsed once: plain facts, safe to store, to log and to send. */
export interface Thrown {
  /** The runtime's own code where the runtime had told it to this handler; `handler_failed` for all else. */
  readonly code: ErrorCode;
  readonly message: string;
  /** Whether another attempt may help: not where a `MusterError` says that it cannot. */
  readonly retryable: boolean;
  /** The least wait before the next attempt that the error asks for, in milliseconds; null where it says nothing valid. */
  readonly retryAfterMs: number | null;
  /** Set when the limiter refused this handler: it waits so long, and that is no failure. Milliseconds, at least 1. */
  readonly limitedForMs: number | null;
}

/** Errors with which the runtime answered a handler. Only these instances are its word; nothing that looks like them is. */
const spoken = new WeakSet<object>();

/**
 * Does for a handler what it asked its context for. An error of ours that comes out of it is remembered as the runtime's
 * own word, so that it is believed when the handler lets it pass.
 */
export async function answering<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw ownWord(error);
  }
}

/** The same for what is answered at once. */
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

/** Carries what the code of a handler threw across the border, so that nothing on this side takes it for its own. */
export class HandlerThrew {
  readonly thrown: unknown;
  constructor(thrown: unknown) {
    this.thrown = thrown;
  }
}

/**
 * Calls the code of a handler. Whatever it throws comes back as {@link HandlerThrew}: to be parsed, or, inside
 * {@link answering}, to be handed back to the handler as its own.
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
    message: thrownText(thrown),
    retryable: readSafely(thrown, 'retryable') !== false || !isMusterError(thrown),
    retryAfterMs: waitMs === null ? null : Math.min(waitMs, MOST_RETRY_AFTER_MS),
    limitedForMs: limited ? Math.min(Math.max(waitMs ?? 1_000, 1), MOST_LIMIT_DELAY_MS) : null,
  };
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

/** A number of milliseconds that can be waited, as `retryAfterMs` of the error or of its facts. */
function retryAfterOf(thrown: unknown): number | null {
  const found = readSafely(thrown, 'retryAfterMs') ?? readSafely(readSafely(thrown, 'facts'), 'retryAfterMs');
  return typeof found === 'number' && Number.isFinite(found) && found >= 0 ? found : null;
}
