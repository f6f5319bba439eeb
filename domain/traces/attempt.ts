import { type RetryPolicy, retryDelayMs } from '../agents/retry-policy.ts';
import type { Outcome } from '../graphs/kinds.ts';
import type { Json } from '../json.ts';
import { LimitWaitExceeded, type Loss } from './attempt-errors.ts';
import type { SettledRunStatus } from './trace-status.ts';

/** How one attempt of a node ended. Only `failed` and `lost` are faults of the handler. */
export type AttemptEnd =
  | { readonly kind: 'ok'; readonly output: Json; readonly outcome: Outcome | null }
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly message: string;
      readonly retryable: boolean;
      /** The least wait before the next attempt that the handler requested, in milliseconds. */
      readonly retryAfterMs: number | null;
    }
  | {
      /** It has to wait: for a limit, or for a store that is unavailable. */
      readonly kind: 'limited';
      readonly message: string;
      /** How long, from now on, in milliseconds. */
      readonly retryAfterMs: number;
      /** How long the attempt has waited already, in milliseconds. */
      readonly waitedMs: number;
    }
  /** This process does not host the handler. */
  | { readonly kind: 'unhosted'; readonly message: string }
  /** It was stopped by a cancel, or by a worker that shuts down. */
  | { readonly kind: 'stopped' }
  /** The server had given it up and may have started another one. */
  | { readonly kind: 'lost'; readonly how: Loss };

/** The counts of a run. Only its own attempts change them, one after the other. */
export interface AttemptCounts {
  /** Attempts that the handler failed. */
  readonly failures: number;
  /** Attempts that ended without a report. */
  readonly crashes: number;
  /** How long it has waited for limits in total, in milliseconds. */
  readonly limitWaitMs: number;
}

/** A run before its first attempt has ended. */
export const NOTHING_COUNTED: AttemptCounts = { failures: 0, crashes: 0, limitWaitMs: 0 };

/** The rules that decide how long a run is retried. */
export interface AttemptRules {
  readonly nodeId: string;
  /** How many failed attempts are retried. */
  readonly maxRetries: number;
  readonly retry: RetryPolicy;
  /** Whether the task has a deadline, which ends every wait for a limit. */
  readonly hasDeadline: boolean;
}

/** Why a run failed. */
interface AttemptError {
  readonly code: string;
  readonly message: string;
}

/**
 * What happens to the run. `complete` and `fail` end it. After `retry` and `wait` the next attempt starts when the wait
 * is over, after `give back` and `lost` as soon as a worker takes it. Only `give back` counts nothing.
 */
export type AttemptVerdict =
  | { readonly kind: 'complete'; readonly output: Json; readonly outcome: Outcome | null }
  | {
      readonly kind: 'fail';
      readonly status: Extract<SettledRunStatus, 'retryable_error' | 'fatal_error'>;
      readonly error: AttemptError;
      /** Failed attempts, including this one if it failed. */
      readonly failures: number;
    }
  | { readonly kind: 'retry'; readonly error: AttemptError; readonly waitMs: number }
  /** `countedMs` is added to the run's total wait for limits when the wait is over. */
  | { readonly kind: 'wait'; readonly message: string; readonly waitMs: number; readonly countedMs: number }
  | { readonly kind: 'give back' }
  | { readonly kind: 'lost'; readonly how: Loss };

/** A verdict that leaves the run without an end, for the next attempt. */
export type LeavingVerdict = Exclude<AttemptVerdict, { readonly kind: 'complete' | 'fail' }>;

/** A run is given up after this many lost attempts, whose workers died or fell silent. */
export const MAX_LOSSES = 3;

/** Whether a run is given up because of its lost attempts, instead of being retried. */
export function isGivenUp({ crashes }: Pick<AttemptCounts, 'crashes'>): boolean {
  return crashes >= MAX_LOSSES;
}

/** Whether the next loss is the last one: then the attempt runs in turn with others like it. */
export function isLastTry({ crashes }: Pick<AttemptCounts, 'crashes'>): boolean {
  return crashes >= MAX_LOSSES - 1;
}

type Rules = AttemptRules & {
  /** 0 to 1: spreads the waits. */
  readonly chance: number;
};

/**
 * The verdict on the end of an attempt, alone or in a stretch. Every verdict that retries a run for its own sake
 * increases one of its counts, and each count has a maximum, so no run is retried forever.
 */
export function verdictOn(end: AttemptEnd, counts: AttemptCounts, rules: Rules): AttemptVerdict {
  switch (end.kind) {
    case 'ok':
      return { kind: 'complete', output: end.output, outcome: end.outcome };
    case 'failed':
      return afterFailure(end, counts, rules);
    case 'limited':
      return afterLimit(end, counts, rules);
    case 'lost':
      return { kind: 'lost', how: end.how };
    case 'unhosted':
    case 'stopped':
      return { kind: 'give back' };
  }
}

type EndOf<Kind extends AttemptEnd['kind']> = Extract<AttemptEnd, { readonly kind: Kind }>;

/** A run has `maxRetries` + 1 attempts that may fail. An error that would occur again ends it at once. */
function afterFailure(end: EndOf<'failed'>, counts: AttemptCounts, rules: Rules): AttemptVerdict {
  const { code, message, retryable, retryAfterMs } = end;
  const failures = counts.failures + 1;
  const error = { code, message };
  if (!retryable) return { kind: 'fail', status: 'fatal_error', error, failures };
  if (failures > rules.maxRetries) return { kind: 'fail', status: 'retryable_error', error, failures };
  return { kind: 'retry', error, waitMs: retryDelayMs(rules.retry, { failures, retryAfterMs, chance: rules.chance }) };
}

/** Up to a tenth more than requested, so that nodes that wait for one limit do not all return at once. */
function afterLimit(end: EndOf<'limited'>, counts: AttemptCounts, rules: Rules): AttemptVerdict {
  const { limitWaitMs: mostMs } = rules.retry;
  const waitMs = Math.ceil(end.retryAfterMs * (1 + rules.chance / 10)) + 1;
  const countedMs = Math.ceil(waitMs + end.waitedMs);
  if (rules.hasDeadline || counts.limitWaitMs + countedMs <= mostMs) {
    return { kind: 'wait', message: end.message, waitMs, countedMs };
  }
  const { code, message } = new LimitWaitExceeded(rules.nodeId, mostMs, end.message);
  return { kind: 'fail', status: 'fatal_error', error: { code, message }, failures: counts.failures };
}
