/** How a limit counts. See {@link gcra} and {@link slidingLog}. */
export const LIMIT_ALGORITHMS = ['gcra', 'sliding_log'] as const;
export type LimitAlgorithm = (typeof LIMIT_ALGORITHMS)[number];

/** How much may happen in a period, and how that is counted. A plain JSON value. */
export interface RateLimit {
  readonly algorithm: LimitAlgorithm;
  /** How much may happen in `perSeconds`: calls, or tokens. More than 0; whole for a sliding log. */
  readonly limit: number;
  /** The length of the window in seconds. From 0.001, so that windows below a second are exact too. */
  readonly perSeconds: number;
  /** How much may happen at once after a rest. A sliding log has no burst of its own: there it is the limit. */
  readonly burst: number;
  /** How long a caller is refused after it exceeded the limit. 0: until there is room again. */
  readonly blockSeconds: number;
}

export interface RateLimitOptions {
  readonly limit: number;
  readonly perSeconds: number;
  /** @defaultValue 0 */
  readonly blockSeconds?: number;
}

/**
 * Spreads calls evenly: room returns at the steady rate `limit / perSeconds`, up to `burst`.
 *
 * Advantages: two numbers of state however large the limit, costs of any size, no edges between windows. Drawback:
 * after a rest, `burst` plus one window's rate fit into the first window. Source: ITU-T I.371, annex A, in its second
 * form, the continuous-state leaky bucket.
 *
 * @example gcra({ limit: 90_000, perSeconds: 60, burst: 15_000 })
 */
export function gcra(
  options: RateLimitOptions & { /** @defaultValue the limit */ readonly burst?: number },
): RateLimit {
  const { limit, perSeconds, burst = limit, blockSeconds = 0 } = options;
  return { algorithm: 'gcra', limit, perSeconds, burst, blockSeconds };
}

/**
 * Remembers each unit until it is `perSeconds` old, so that no window of that length, wherever it begins, ever has more
 * than `limit`.
 *
 * Advantage: exact. Drawback: about 100 bytes in Redis for each unit, so only for limits up to 10,000.
 *
 * @example slidingLog({ limit: 5, perSeconds: 3_600 })
 */
export function slidingLog({ limit, perSeconds, blockSeconds = 0 }: RateLimitOptions): RateLimit {
  return { algorithm: 'sliding_log', limit, perSeconds, burst: limit, blockSeconds };
}

/** The limit times a factor, as a tier multiplies it. A sliding log keeps a whole number, of at least 1. */
export function scaleLimit(limit: RateLimit, factor: number): RateLimit {
  if (factor === 1) return limit;
  if (limit.algorithm === 'gcra') return { ...limit, limit: limit.limit * factor, burst: limit.burst * factor };
  const whole = Math.max(1, Math.floor(limit.limit * factor));
  return { ...limit, limit: whole, burst: whole };
}

/** The longest sliding log: beyond it one key would cost a megabyte and a script call milliseconds. */
const MAX_LOG_LIMIT = 10_000;

/** The faults of a value that should be a limit; none for a valid one. They name the fields, not the limit. */
export function limitFaults({ algorithm, limit, perSeconds, burst, blockSeconds }: RateLimit): string[] {
  const faults: string[] = [];
  const isLog = algorithm === 'sliding_log';
  if (!isLog && algorithm !== 'gcra') faults.push(`algorithm must be one of ${LIMIT_ALGORITHMS.join(', ')}`);
  if (!within(limit, 1e-3, 1e12)) faults.push('limit must be a number from 0.001 to 1,000,000,000,000');
  if (isLog && !(Number.isInteger(limit) && within(limit, 1, MAX_LOG_LIMIT))) {
    faults.push(`limit of a sliding log must be a whole number from 1 to ${MAX_LOG_LIMIT}`);
  }
  if (!within(perSeconds, 1e-3, 31_536_000)) faults.push('perSeconds must be a number from 0.001 to 31,536,000');
  if (!within(burst, 1, 1e12)) faults.push('burst must be a number from 1 to 1,000,000,000,000');
  if (!within(blockSeconds, 0, 31_536_000)) faults.push('blockSeconds must be a number from 0 to 31,536,000');
  return faults;
}

function within(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && value >= min && value <= max;
}
