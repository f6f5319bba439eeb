import { COOLDOWN_SECONDS, IDEMPOTENCY_SECONDS } from '../../domain/limits/default-limits.ts';
import { CostInvalid } from '../../domain/limits/limit-errors.ts';
import { type LimitClass, OUTAGE_MATRIX } from '../../domain/limits/outage.ts';
import { PROBE_EVERY_MS } from './breaker.ts';
import type { GuardedRedis } from './guarded-redis.ts';

/** Whether this is the first call, and how long it stays the only one. */
export interface OnceAnswer {
  readonly allowed: boolean;
  /** Milliseconds until it is allowed again; 0 when it was allowed now. */
  readonly retryAfterMs: number;
  readonly source: 'redis' | 'local';
}

export interface CooldownRequest {
  readonly tenant: string;
  readonly user: string;
  readonly command: string;
  /** @defaultValue that of the command, where it ships with one: see `COOLDOWN_SECONDS` */
  readonly seconds?: number | undefined;
  /**
   * What happens while Redis is unavailable. A class with a local share counts as closed, because a single use cannot
   * be shared.
   * @defaultValue 'economy'
   */
  readonly class?: LimitClass | undefined;
}

/** Actions that may happen once in a period: commands with a cooldown, and actions with an idempotency key. */
export class OnceKeys {
  readonly #redis: GuardedRedis;

  constructor(redis: GuardedRedis) {
    this.#redis = redis;
  }

  /** Starts the cooldown of a command, or says how long it still lasts. @throws CostInvalid for no usable time */
  cooldown({ tenant, user, command, seconds, class: given = 'economy' }: CooldownRequest): Promise<OnceAnswer> {
    const time = seconds ?? COOLDOWN_SECONDS[command] ?? Number.NaN;
    return this.#start(this.#redis.keys.limits(tenant).cooldown(user, command), time, given);
  }

  /**
   * Allowed for the first call with a key, and for no other within the time. A call that is allowed and then fails
   * stays the first one: anything that must not be lost belongs in PostgreSQL. While Redis is unavailable nothing is
   * allowed, so nothing happens twice.
   * @throws CostInvalid for no usable time
   */
  once(tenant: string, key: string, seconds = IDEMPOTENCY_SECONDS): Promise<OnceAnswer> {
    return this.#start(this.#redis.keys.limits(tenant).idempotency(key), seconds, 'key_write');
  }

  async #start(key: string, seconds: number, given: LimitClass): Promise<OnceAnswer> {
    if (!(seconds >= 0.001 && seconds <= 31_536_000)) throw new CostInvalid('seconds', seconds, 31_536_000);
    const answer = await this.#redis.ask((redis) => redis.startOnce(key, Math.ceil(seconds * 1_000)));
    if (answer === null) {
      const allowed = OUTAGE_MATRIX[given] === 'open';
      return { allowed, retryAfterMs: allowed ? 0 : PROBE_EVERY_MS, source: 'local' };
    }
    const [outcome, leftMs] = answer;
    return { allowed: outcome === 'first', retryAfterMs: outcome === 'first' ? 0 : leftMs, source: 'redis' };
  }
}
