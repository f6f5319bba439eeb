import { ApplicationFailure } from '@temporalio/common';
import { errorMessage, hasErrorCode, MusterError } from '../domain/errors.ts';
import type { NodeResult } from '../domain/tasks/execution.ts';

/** What an activity's failure tells the workflow besides code and sentence. */
export interface FailureDetails {
  readonly result?: NodeResult;
}

/**
 * The only way of an error out of an activity: its code becomes the failure's type, the class decides whether Temporal
 * tries again, after `delayMs` or, by default, as the retry policy says. Temporal's own failures, a cancellation above
 * all, pass as they are.
 */
export function toFailure(error: unknown, details: FailureDetails = {}, delayMs: number | null = null): Error {
  if (error instanceof ApplicationFailure) return error;
  return ApplicationFailure.create({
    message: errorMessage(error),
    type: hasErrorCode(error) ? error.code : 'handler_failed',
    nonRetryable: error instanceof MusterError && !error.retryable,
    details: [details],
    ...(delayMs === null ? {} : { nextRetryDelay: delayMs }),
    ...(error instanceof Error ? { cause: withShortStack(error) } : {}),
  });
}

/** Carries out an activity. What fails is thrown as {@link toFailure} says. */
export async function failing<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw toFailure(error);
  }
}

/** Lines of a stack that say where an error arose. Temporal keeps 4 KB of a failure, and says nothing of a longer one. */
const STACK_LINES = 12;

function withShortStack(error: Error): Error {
  const short = new Error(errorMessage(error));
  const stack = (error.stack ?? '').split('\n').slice(0, STACK_LINES).join('\n');
  return Object.assign(short, { name: error.name, stack });
}

/** A failure after which no further attempt is made. */
export function finalFailure(code: string, message: string, details: FailureDetails): ApplicationFailure {
  return ApplicationFailure.create({ message, type: code, nonRetryable: true, details: [details] });
}

/** Temporal's clock takes no longer delay than this from us: a month. */
const MOST_DELAY_MS = 30 * 86_400_000;

/** A failure after which Temporal tries again after a delay of at least a millisecond. */
export function retryableFailure(code: string, message: string, delayMs: number): ApplicationFailure {
  const nextRetryDelay = Math.ceil(Math.min(Math.max(delayMs, 1), MOST_DELAY_MS));
  return ApplicationFailure.create({ message, type: code, nonRetryable: false, nextRetryDelay });
}
