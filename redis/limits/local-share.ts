import { adjust, decide, type LimitState, UNTOUCHED } from '../../domain/limits/decide.ts';
import type { NamedAnswer } from '../../domain/limits/decision.ts';
import type { RateLimit } from '../../domain/limits/rate-limit.ts';
import type { KeyedLimit } from './limit-store.ts';

export interface LocalShareOptions {
  /** How many processes share the limits. At least 1. */
  readonly liveProcesses: () => number;
  readonly nowMs: () => number;
}

/** What is known of a counter: its state since Redis became unavailable, or the use that Redis last reported. */
interface Known {
  state: LimitState | null;
  used: number;
  atMs: number;
}

/** Counters that a process remembers. Beyond this number the oldest is forgotten and starts again. */
const MAX_KEYS = 20_000;

/**
 * The share of the limits that this process may use while Redis is unavailable: the limit divided by the number of live
 * processes.
 *
 * Each process charges itself for all, as if the others did the same. So the counters are those of the whole limit:
 * they begin with what Redis last reported, and a process that comes or goes changes only the weight. A share of less
 * than one call is saved up: the first call waits, but is allowed in the end.
 */
export class LocalShare {
  readonly #options: LocalShareOptions;
  readonly #known = new Map<string, Known>();

  constructor(options: LocalShareOptions) {
    this.#options = options;
  }

  /** Remembers what Redis reported for each limit. Called at every answer, so it overwrites objects. */
  observe(limits: readonly KeyedLimit[], answers: readonly NamedAnswer[]): void {
    const atMs = this.#options.nowMs();
    limits.forEach(({ key, limit }, index) => {
      const used = limit.burst - (answers[index]?.remaining ?? 0);
      const known = this.#known.get(key);
      if (known === undefined) this.#remember(key, { state: null, used, atMs });
      else overwrite(known, used, atMs);
    });
  }

  /** Takes from all limits or from none. Only looks when `take` is false. */
  ask(limits: readonly KeyedLimit[], { take }: { take: boolean }): NamedAnswer[] {
    const nowMs = this.#options.nowMs();
    const processes = Math.max(1, this.#options.liveProcesses());
    const asked = limits.map((applied) => {
      const cost = applied.cost * processes;
      const limit = roomFor(applied.limit, cost);
      const state = this.#stateOf(applied) ?? firstState(applied.limit, limit, nowMs);
      const answer = decide(limit, state, { nowMs, cost });
      return { applied, answer, shown: take ? answer : decide(limit, state, { nowMs, cost: 0 }) };
    });
    const denied = asked.some(({ answer }) => !answer.allowed);
    for (const { applied, answer } of asked) {
      // If one limit denies, those that allowed take nothing; a denial keeps its block.
      if (take && denied !== answer.allowed) this.#remember(applied.key, { state: answer.state, used: 0, atMs: nowMs });
    }
    return asked.map(({ applied, answer, shown }) => ({
      name: applied.name,
      limit: applied.limit.limit,
      allowed: answer.allowed,
      remaining: Math.floor(shown.remaining / processes),
      resetMs: Math.ceil(shown.resetMs),
      retryAfterMs: Math.ceil(answer.retryAfterMs),
    }));
  }

  /** Takes more, or gives back. */
  adjust(applied: KeyedLimit, cost: number): void {
    const nowMs = this.#options.nowMs();
    const processes = Math.max(1, this.#options.liveProcesses());
    const before = this.#stateOf(applied) ?? UNTOUCHED;
    const state = adjust(applied.limit, before, { nowMs, cost: cost * processes });
    this.#remember(applied.key, { state, used: 0, atMs: nowMs });
  }

  forget(limits: readonly KeyedLimit[]): void {
    for (const { key } of limits) this.#known.delete(key);
  }

  #stateOf({ key, limit }: KeyedLimit): LimitState | null {
    const known = this.#known.get(key);
    if (known === undefined) return null;
    const { state, used, atMs } = known;
    if (state !== null) return state;
    const entries = limit.algorithm === 'sliding_log' && used > 0 ? [{ atMs, cost: used }] : [];
    return { level: used, entries, atMs, blockedUntilMs: 0 };
  }

  #remember(key: string, known: Known): void {
    this.#known.set(key, known);
    if (this.#known.size <= MAX_KEYS) return;
    const oldest = this.#known.keys().next().value;
    if (oldest !== undefined) this.#known.delete(oldest);
  }
}

/** The limit, with room for one call of this weight. */
function roomFor(limit: RateLimit, cost: number): RateLimit {
  return cost <= limit.burst ? limit : { ...limit, burst: cost };
}

/** Room that a share has beyond the limit has to be earned first. */
function firstState(limit: RateLimit, widened: RateLimit, nowMs: number): LimitState {
  const debt = widened.burst - limit.burst;
  if (debt === 0) return UNTOUCHED;
  return { ...UNTOUCHED, level: debt, entries: [{ atMs: nowMs, cost: debt }], atMs: nowMs };
}

function overwrite(known: Known, used: number, atMs: number): void {
  known.state = null;
  known.used = used;
  known.atMs = atMs;
}
