import type { RedisConnections } from '../open-redis.ts';
import { RedisUnreachable } from '../redis-errors.ts';
import type { ScriptedRedis } from '../scripts.ts';
import { Breaker } from './breaker.ts';

export interface GuardOptions {
  /**
   * How long Redis may take. If it is too short, a busy moment counts as an outage; if it is too long, every call waits
   * for a Redis that hangs.
   * @defaultValue 200
   */
  readonly timeoutMs?: number;
  /** A clock that only runs forward, in milliseconds. @defaultValue `performance.now` */
  readonly nowMs?: () => number;
}

/** Redis with a short deadline, for callers that can do without it. */
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
  get isUnavailable(): boolean {
    return this.#breaker.isOpen;
  }

  /** Requests that Redis did not answer in time, and how often it became unavailable since the process started. */
  get counters(): { readonly unanswered: number; readonly breakerOpened: number } {
    return { unanswered: this.#unanswered, breakerOpened: this.#breaker.timesOpened };
  }

  /**
   * The answer; null if there is none in time, and at once while Redis counts as unavailable. The request may have been
   * carried out. Any other error is a bug and is thrown.
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

/**
 * The answer, or null after `timeoutMs`; it may come later, and the request may have been carried out. An answer that
 * arrived in time counts even if this process was too busy to read it.
 */
function withinTime<Answer>(answer: Promise<Answer>, timeoutMs: number): Promise<Answer | null> {
  return new Promise((resolve, reject) => {
    // Timers run before sockets in a turn of the event loop: read the socket again before giving up.
    const timer = setTimeout(() => setImmediate(resolve, null), timeoutMs);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
