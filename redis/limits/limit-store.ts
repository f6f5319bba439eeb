import type { NamedAnswer } from '../../domain/limits/decision.ts';
import type { AppliedLimit } from '../../domain/limits/limits-of-call.ts';
import type { RateLimit } from '../../domain/limits/rate-limit.ts';
import { CheckBatch, type ScriptLimit } from './check-batch.ts';
import type { GuardedRedis } from './guarded-redis.ts';

export interface KeyedLimit extends AppliedLimit {
  readonly key: string;
}

/** The limits of a call that are counted together: a tenant's, or with null the shared ones. */
export interface LimitPart {
  readonly tenant: string | null;
  readonly limits: readonly KeyedLimit[];
}

/** Whether a request only looks, takes, or takes once under a reservation's name, which has its tenant. */
export type LimitMode = 'look' | 'take' | { readonly reservation: string };

/** The outcome of a correction; null when Redis is unavailable. See `adjust-limits.lua`. */
export type Adjustment = 'refunded' | 'settled' | 'repeated' | 'unknown' | null;

/** How long a reservation can be settled, and how long repetitions of either are recognized. */
const RESERVATION_MS = 3_600_000;
const MICROSECONDS = 1_000_000;

/** The counters in Redis, and the only caller of their scripts. */
export class LimitStore {
  readonly #redis: GuardedRedis;
  readonly #batch: CheckBatch;

  constructor(redis: GuardedRedis) {
    this.#redis = redis;
    this.#batch = new CheckBatch(redis);
  }

  /** One answer for each limit, all taken or none; null when Redis is unavailable. */
  async ask({ tenant, limits }: LimitPart, mode: LimitMode): Promise<NamedAnswer[] | null> {
    const keys = this.#redis.keys.limits(tenant);
    const tokens = limits.find(({ countsTokens }) => countsTokens)?.cost ?? 0;
    const answer = await this.#batch.ask(keys.tag, {
      look: mode === 'look',
      mark:
        typeof mode === 'string'
          ? null
          : { key: keys.reservation(mode.reservation), tokens, lifetimeMs: RESERVATION_MS },
      limits: limits.map((applied) => scriptLimit(applied, keys.block(applied.key))),
    });
    if (answer === null) return null;
    return answer.limits.map(({ remaining, resetMs, waitMs }, index) => {
      const { name = '', limit } = limits[index] ?? {};
      return { name, limit: limit?.limit ?? 0, allowed: waitMs === 0, remaining, resetMs, retryAfterMs: waitMs };
    });
  }

  /** Returns what a part took. */
  refund(part: LimitPart, mode: LimitMode): Promise<Adjustment> {
    return this.#adjust(part, { mode: 'refund', id: typeof mode === 'string' ? '' : mode.reservation, tokens: 0 });
  }

  /** Replaces a reservation's tokens by the real number. */
  settle(part: LimitPart, id: string, tokens: number): Promise<Adjustment> {
    return this.#adjust(part, { mode: 'settle', id, tokens });
  }

  /** Forgets what was taken, and the blocks. Null when Redis is unavailable. */
  forget({ tenant, limits }: LimitPart): Promise<number | null> {
    const keys = this.#redis.keys.limits(tenant);
    return this.#redis.ask((redis) => redis.unlink(...limits.flatMap(({ key }) => [key, keys.block(key)])));
  }

  #adjust(
    { tenant, limits }: LimitPart,
    { mode, id, tokens }: { mode: 'refund' | 'settle'; id: string; tokens: number },
  ): Promise<Adjustment> {
    const mark = this.#redis.keys.limits(tenant).reservation(id);
    const states = limits.map(({ key }) => key);
    const words = limits.flatMap(({ limit, cost }) => [wordOf(limit), cost, spanUs(limit)]);
    const head = [mode, this.#batch.nextName(), tokens, RESERVATION_MS];
    return this.#redis.ask((redis) => redis.adjustLimits(states.length + 1, mark, ...states, ...head, ...words));
  }
}

function scriptLimit({ key, limit, cost }: KeyedLimit, blockKey: string): ScriptLimit {
  const { algorithm, burst, blockSeconds } = limit;
  return { key, blockKey, algorithm, cost, burst, spanUs: spanUs(limit), blockMs: Math.ceil(blockSeconds * 1_000) };
}

function wordOf({ algorithm }: RateLimit): 'level' | 'log' {
  return algorithm === 'gcra' ? 'level' : 'log';
}

function spanUs({ algorithm, perSeconds, limit }: RateLimit): number {
  const windowUs = perSeconds * MICROSECONDS;
  return algorithm === 'gcra' ? windowUs / limit : Math.round(windowUs);
}
