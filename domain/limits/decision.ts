import type { LimitedCall } from './limits-of-call.ts';

/** The answer of the limiter to one call. */
export interface LimitDecision {
  readonly allowed: boolean;
  /** The limit that decided: the one that refused, or the one with the least room left. Null when none applies. */
  readonly limit: number | null;
  /** Whole units left under that limit. Null when no limit applies. */
  readonly remaining: number | null;
  /** Milliseconds until that limit has all its room again, if nothing more is taken. */
  readonly resetMs: number;
  /** Milliseconds until the same call would be allowed, as far as is known now; 0 when it was. */
  readonly retryAfterMs: number;
  /** The name of the limit that refused, or `redis` for a class that is closed during an outage; null when allowed. */
  readonly deniedBy: string | null;
  /** The decider: Redis for all processes together, or this process alone because Redis is unavailable. */
  readonly source: 'redis' | 'local';
}

/** Tokens that are reserved until their real number is known. Plain data, which another process may settle. */
export interface LimitReservation extends LimitDecision {
  readonly id: string;
  readonly call: LimitedCall;
}

/**
 * The outcome of a settlement. `repeated`: it was settled before. `unknown`: there is no such reservation, or no
 * longer. `unreachable`: Redis is unavailable, and the estimate stays charged.
 */
export type Settlement = 'settled' | 'repeated' | 'unknown' | 'unreachable';

/** The answer if no limit applies. */
export const UNLIMITED: LimitDecision = {
  allowed: true,
  limit: null,
  remaining: null,
  resetMs: 0,
  retryAfterMs: 0,
  deniedBy: null,
  source: 'redis',
};

/** The answer of one applied limit. */
export interface NamedAnswer {
  readonly name: string;
  readonly limit: number;
  readonly allowed: boolean;
  readonly remaining: number;
  readonly resetMs: number;
  readonly retryAfterMs: number;
}

/** One answer for all limits of a call: the refusal with the longest wait, otherwise the limit with the least room. */
export function summarize(answers: readonly NamedAnswer[], source: LimitDecision['source']): LimitDecision {
  const refused = answers.filter(({ allowed }) => !allowed).sort((a, b) => b.retryAfterMs - a.retryAfterMs)[0];
  const tightest = [...answers].sort((a, b) => a.remaining - b.remaining || b.resetMs - a.resetMs)[0];
  const decisive = refused ?? tightest;
  if (decisive === undefined) return { ...UNLIMITED, source };
  const { limit, remaining, resetMs } = decisive;
  const retryAfterMs = refused?.retryAfterMs ?? 0;
  return {
    allowed: refused === undefined,
    limit,
    remaining,
    resetMs,
    retryAfterMs,
    deniedBy: refused?.name ?? null,
    source,
  };
}

/** The decision as HTTP headers, in whole seconds, rounded up; `Retry-After` only for a refusal. */
export function limitHeaders({
  limit,
  remaining,
  resetMs,
  allowed,
  retryAfterMs,
}: LimitDecision): Record<string, string> {
  if (limit === null) return {};
  return {
    'X-RateLimit-Limit': String(limit),
    'X-RateLimit-Remaining': String(remaining ?? 0),
    'X-RateLimit-Reset': String(Math.ceil(resetMs / 1_000)),
    ...(allowed ? {} : { 'Retry-After': String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) }),
  };
}
