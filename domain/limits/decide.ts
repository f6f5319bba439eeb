import type { RateLimit } from './rate-limit.ts';

/**
 * The state of one key of a limit. `level`: how full the bucket is, in units. `entries`: the sliding log, oldest first.
 * `atMs`: the time of the level. `blockedUntilMs`: see `RateLimit.blockSeconds`.
 */
export interface LimitState {
  readonly level: number;
  readonly entries: readonly { readonly atMs: number; readonly cost: number }[];
  readonly atMs: number;
  readonly blockedUntilMs: number;
}

/** A key that nothing has been taken from yet. */
export const UNTOUCHED: LimitState = { level: 0, entries: [], atMs: Number.NEGATIVE_INFINITY, blockedUntilMs: 0 };

export interface LimitAnswer {
  readonly allowed: boolean;
  /** Whole units that would be allowed at once now. */
  readonly remaining: number;
  /** Milliseconds until the limit is empty again, if nothing is taken meanwhile. */
  readonly resetMs: number;
  /** Milliseconds until the same request would be allowed; 0 when it is. */
  readonly retryAfterMs: number;
  /** The new state. After a denial it is unchanged, except for a block. */
  readonly state: LimitState;
}

/** Large enough for rounding errors of doubles, far too small to admit a unit. */
const ROUNDING = 1e-6;

/**
 * Takes `cost` from one limit if it fits now. Pure: the same rules as the Redis script, for the local share and as the
 * model for the script's tests. A clock that goes back returns no units and makes no caller wait for it.
 */
export function decide(limit: RateLimit, state: LimitState, ask: { nowMs: number; cost: number }): LimitAnswer {
  const present = age(limit, state, ask.nowMs);
  if (present.blockedUntilMs > ask.nowMs) {
    const waitMs = present.blockedUntilMs - ask.nowMs;
    return { allowed: false, remaining: 0, resetMs: waitMs, retryAfterMs: waitMs, state: present };
  }
  const retryAfterMs = waitFor(limit, present, ask);
  if (retryAfterMs === 0) return describe(limit, add(limit, present, ask), ask.nowMs, { allowed: true, retryAfterMs });
  if (limit.blockSeconds === 0) return describe(limit, present, ask.nowMs, { allowed: false, retryAfterMs });
  const blockMs = limit.blockSeconds * 1_000;
  const blocked = { ...present, blockedUntilMs: ask.nowMs + blockMs };
  return { allowed: false, remaining: 0, resetMs: blockMs, retryAfterMs: blockMs, state: blocked };
}

/** Adds a cost without asking, or returns units when it is negative. The bucket may overflow. */
export function adjust(limit: RateLimit, state: LimitState, change: { nowMs: number; cost: number }): LimitState {
  const present = age(limit, state, change.nowMs);
  if (limit.algorithm === 'gcra') return { ...present, level: Math.max(0, present.level + change.cost) };
  if (change.cost >= 0) return add(limit, present, change);
  return { ...present, entries: withoutNewest(present.entries, -change.cost) };
}

/** How much has been used and still counts. */
export function usedOf(limit: RateLimit, state: LimitState): number {
  return limit.algorithm === 'gcra' ? state.level : state.entries.reduce((sum, { cost }) => sum + cost, 0);
}

/** Lets time pass. */
function age(limit: RateLimit, state: LimitState, nowMs: number): LimitState {
  if (limit.algorithm === 'gcra') {
    const elapsedMs = Math.max(0, nowMs - state.atMs);
    const level = state.level === 0 ? 0 : Math.max(0, state.level - elapsedMs / unitMs(limit));
    return { ...state, level, atMs: nowMs };
  }
  const entries = state.entries
    .filter(({ atMs }) => atMs > nowMs - limit.perSeconds * 1_000)
    .map((entry) => (entry.atMs > nowMs ? { ...entry, atMs: nowMs } : entry));
  return { ...state, entries, atMs: nowMs };
}

/** Milliseconds until the cost fits; 0 when it fits now. */
function waitFor(limit: RateLimit, state: LimitState, { nowMs, cost }: { nowMs: number; cost: number }): number {
  const excess = usedOf(limit, state) + cost - limit.burst;
  if (excess <= ROUNDING) return 0;
  if (limit.algorithm === 'gcra') return excess * unitMs(limit);
  let gone = 0;
  for (const entry of state.entries) {
    gone += entry.cost;
    if (gone >= excess - ROUNDING) return entry.atMs + limit.perSeconds * 1_000 - nowMs;
  }
  return limit.perSeconds * 1_000;
}

function add(limit: RateLimit, state: LimitState, { nowMs, cost }: { nowMs: number; cost: number }): LimitState {
  if (limit.algorithm === 'gcra') return { ...state, level: state.level + cost };
  return cost === 0 ? state : { ...state, entries: [...state.entries, { atMs: nowMs, cost }] };
}

function describe(
  limit: RateLimit,
  state: LimitState,
  nowMs: number,
  end: Pick<LimitAnswer, 'allowed' | 'retryAfterMs'>,
): LimitAnswer {
  const remaining = Math.max(0, Math.floor(limit.burst - usedOf(limit, state) + ROUNDING));
  const newest = state.entries.at(-1);
  const logMs = newest === undefined ? 0 : newest.atMs + limit.perSeconds * 1_000 - nowMs;
  const resetMs = limit.algorithm === 'gcra' ? state.level * unitMs(limit) : logMs;
  return { ...end, remaining, resetMs, state };
}

function withoutNewest(entries: LimitState['entries'], cost: number): LimitState['entries'] {
  const kept = [...entries];
  let left = cost;
  while (left > 0) {
    const newest = kept.pop();
    if (newest === undefined) break;
    if (newest.cost > left) kept.push({ ...newest, cost: newest.cost - left });
    left -= newest.cost;
  }
  return kept;
}

function unitMs({ limit, perSeconds }: RateLimit): number {
  return (perSeconds * 1_000) / limit;
}
