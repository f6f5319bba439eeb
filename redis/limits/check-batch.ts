import { randomUUID } from 'node:crypto';
import type { LimitAlgorithm } from '../../domain/limits/rate-limit.ts';
import type { GuardedRedis } from './guarded-redis.ts';

/** One limit in the form of `take-limits.lua`. */
export interface ScriptLimit {
  readonly key: string;
  readonly blockKey: string;
  readonly algorithm: LimitAlgorithm;
  readonly cost: number;
  readonly burst: number;
  /** Microseconds in which a level falls by one unit, or the window of a log. */
  readonly spanUs: number;
  readonly blockMs: number;
}

/** One request to the script. */
export interface ScriptCheck {
  /** Takes nothing. */
  readonly look: boolean;
  /** Set for a reservation: its mark and its tokens. */
  readonly mark: { readonly key: string; readonly tokens: number; readonly lifetimeMs: number } | null;
  readonly limits: readonly ScriptLimit[];
}

/** The outcome of one request. `repeated`: the reservation existed, nothing more was taken. */
export interface ScriptAnswer {
  readonly outcome: 'taken' | 'denied' | 'repeated';
  /** One for each limit, in order. */
  readonly limits: readonly { readonly remaining: number; readonly resetMs: number; readonly waitMs: number }[];
}

interface Pending {
  readonly check: ScriptCheck;
  readonly resolve: (answer: ScriptAnswer | null) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Requests in one script call. Few enough for Redis to work on the next call while this process reads the previous
 * answers; enough to share the cost of a call.
 */
const BATCH_SIZE = 16;

/**
 * Asks Redis about limits. Requests of one turn of the event loop with the same hash tag share a script call; each gets
 * its own answer, in order. An error fails all requests of the call.
 */
export class CheckBatch {
  readonly #redis: GuardedRedis;
  readonly #name = randomUUID().slice(0, 8);
  #calls = 0;
  #pending = new Map<string, Pending[]>();

  constructor(redis: GuardedRedis) {
    this.#redis = redis;
  }

  /** A name that is unique to this script call. */
  nextName(): string {
    this.#calls += 1;
    return `${this.#name}-${this.#calls.toString(36)}`;
  }

  /** Null when Redis does not answer in time. */
  ask(tag: string, check: ScriptCheck): Promise<ScriptAnswer | null> {
    return new Promise((resolve, reject) => {
      if (this.#pending.size === 0) setImmediate(() => this.#flush());
      const waiting = this.#pending.get(tag);
      if (waiting === undefined) this.#pending.set(tag, [{ check, resolve, reject }]);
      else waiting.push({ check, resolve, reject });
    });
  }

  #flush(): void {
    const pending = this.#pending;
    this.#pending = new Map();
    for (const questions of pending.values()) {
      for (let start = 0; start < questions.length; start += BATCH_SIZE) {
        void this.#send(questions.slice(start, start + BATCH_SIZE));
      }
    }
  }

  async #send(questions: readonly Pending[]): Promise<void> {
    try {
      const keys: string[] = [];
      const words: (string | number)[] = [this.nextName()];
      for (const { check } of questions) write(check, keys, words);
      const said = await this.#redis.ask((redis) => redis.takeLimits(keys.length, ...keys, ...words));
      const answers = said === null ? [] : read(said, questions);
      questions.forEach(({ resolve }, index) => void resolve(answers[index] ?? null));
    } catch (error) {
      for (const { reject } of questions) reject(error);
    }
  }
}

function write({ look, mark, limits }: ScriptCheck, keys: string[], words: (string | number)[]): void {
  words.push(look ? 'look' : mark === null ? 'take' : 'mark');
  if (mark !== null && !look) {
    keys.push(mark.key);
    words.push(mark.tokens, mark.lifetimeMs);
  }
  for (const { key, blockKey, algorithm, cost, burst, spanUs, blockMs } of limits) {
    keys.push(key);
    if (blockMs > 0) keys.push(blockKey);
    words.push(`${algorithm === 'gcra' ? 'level' : 'log'} ${cost} ${burst} ${spanUs} ${blockMs}`);
  }
}

function read(words: readonly (string | number)[], questions: readonly Pending[]): ScriptAnswer[] {
  let next = 0;
  const take = (): number => Number(words[next++]);
  return questions.map(({ check }) => {
    const outcome = words[next++] as ScriptAnswer['outcome'];
    const limits = check.limits.map(() => ({
      remaining: take(),
      resetMs: Math.ceil(take() / 1_000),
      waitMs: Math.ceil(take() / 1_000),
    }));
    return { outcome, limits };
  });
}
