import { growingWaitMs } from '../waits.ts';

/** How an agent or a tool is retried after a failed attempt, and how long it may wait for limits. */
export interface RetryPolicy {
  /** The wait before the second attempt, in milliseconds: 1 to 3,600,000. @defaultValue 1,000 */
  readonly firstMs: number;
  /** The factor between two waits: 1 to 10. @defaultValue 2 */
  readonly factor: number;
  /** The longest wait, in milliseconds: 1 to 3,600,000. @defaultValue 60,000 */
  readonly mostMs: number;
  /**
   * How long a node may wait for rate limits in total, in milliseconds: 1 to 2,592,000,000 (30 days). For tasks without
   * a deadline; a task with a deadline waits until then. @defaultValue 86,400,000 (a day)
   */
  readonly limitWaitMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = Object.freeze({
  firstMs: 1_000,
  factor: 2,
  mostMs: 60_000,
  limitWaitMs: 86_400_000,
});

/** A policy with its defaults filled in. Frozen. */
export function retryPolicyOf({
  firstMs = DEFAULT_RETRY.firstMs,
  factor = DEFAULT_RETRY.factor,
  mostMs = DEFAULT_RETRY.mostMs,
  limitWaitMs = DEFAULT_RETRY.limitWaitMs,
}: Partial<RetryPolicy> = {}): RetryPolicy {
  return Object.freeze({ firstMs, factor, mostMs, limitWaitMs });
}

const RANGES: Readonly<Record<keyof RetryPolicy, readonly [least: number, most: number]>> = {
  firstMs: [1, 3_600_000],
  factor: [1, 10],
  mostMs: [1, 3_600_000],
  limitWaitMs: [1, 2_592_000_000],
};

/** The faults of a given policy, one sentence each. */
export function retryFaults(given: unknown): readonly string[] {
  if (given === undefined) return [];
  if (typeof given !== 'object' || given === null) return ['Expected an object as retry.'];
  return Object.entries(given).flatMap(([name, value]: [string, unknown]) => {
    const range = Object.entries(RANGES).find(([known]) => known === name)?.[1];
    if (range === undefined) return [`There is no retry.${name}; there are ${Object.keys(RANGES).join(', ')}.`];
    const [least, most] = range;
    const fits = value === undefined || (typeof value === 'number' && value >= least && value <= most);
    return fits ? [] : [`Expected a number from ${least} to ${most} as retry.${name}.`];
  });
}

/**
 * How long to wait before the next attempt, in whole milliseconds: longer after each failure, up to half as much more
 * at random so that nodes that failed together do not return together, and never less than the error asked for.
 *
 * @param failures attempts that failed so far, at least 1
 * @param chance 0 to 1
 */
export function retryDelayMs(
  policy: RetryPolicy,
  { failures, retryAfterMs, chance }: { failures: number; retryAfterMs: number | null; chance: number },
): number {
  const backoff = growingWaitMs(policy, failures) * (1 + chance / 2);
  return Math.ceil(Math.max(Math.min(backoff, policy.mostMs), (retryAfterMs ?? 0) * (1 + chance / 10)));
}
