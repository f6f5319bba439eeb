import type { RedisConnections } from '../open-redis.ts';
import { RedisUnreachable } from '../redis-errors.ts';
import type { ScriptedRedis } from '../scripts.ts';
import { Breaker } from './breaker.ts';
import { withinTime } from './within-time.ts';

export interface GuardOptions {
  /**
   * How long Redis may take. Below it a busy moment reads as an outage; above it every call waits as long on a Redis that hangs.
   * @defaultValue 200
   */
  readonly timeoutMs?: number;
  /** A clock that only runs forward, in milliseconds. @defaultValue `performance.now` */
  readonly nowMs?: () => number;
}

/** Redis for those who have another answer when it is away: asked in time, or not at all. */
export class GuardedRedis {
  readonly #redis: RedisConnections;
  readonly #breaker: Breaker;
  readonly #timeoutMs: number;
  #unanswered = 0;

  constructor(redis: RedisConnections, options: GuardOptions = {}) {
    this.#redis = redis;
    this.#breaker = new Breaker(options);
    this.#timeoutMs = options.timeoutMs ?? 200;
  }

  get keys(): RedisConnections['keys'] {
    return this.#redis.keys;
  }

  /** Whether Redis counts as unavailable. */
  get isAway(): boolean {
    return this.#breaker.isOpen;
  }

  /** Questions that Redis did not answer in time, and how often it has begun to count as away since the process started. */
  get counters(): { readonly unanswered: number; readonly breakerOpened: number } {
    return { unanswered: this.#unanswered, breakerOpened: this.#breaker.timesOpened };
  }

  /**
   * The answer, or null when there is none in time, or at once while Redis counts as unavailable; what was asked may have been done. Any
   * other error is a fault of the program and is raised.
   */
  async ask<Answer extends object | string | number>(
    question: (redis: ScriptedRedis) => Promise<Answer>,
  ): Promise<Answer | null> {
    if (!this.#breaker.allows()) return null;
    const answer = await withinTime(this.#redis.ask(question), this.#timeoutMs).catch((error: unknown) => {
      if (error instanceof RedisUnreachable) return null;
      throw error;
    });
    if (answer !== null) {
      this.#breaker.succeeded();
      return answer;
    }
    this.#breaker.failed();
    this.#unanswered += 1;
    return null;
  }
}
