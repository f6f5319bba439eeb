import { BUDGET_AMOUNTS, type BudgetAmount, type BudgetAsk, type BudgetLimits, type WhenExhausted } from './amounts.ts';
import type { BudgetScope } from './scopes.ts';

/** How a scope's budget stands. */
export interface BudgetState {
  readonly scope: BudgetScope;
  readonly limits: BudgetLimits;
  /** What settled calls have cost, and calls that are in doubt may have. */
  readonly spent: BudgetAsk;
  /** What calls that are to come, or under way, may cost at most. */
  readonly reserved: BudgetAsk;
  /** Milliseconds since the first reservation; 0 before it. */
  readonly elapsedMs: number;
  /** How many tasks stand above the scope's task; 0 for other scopes. */
  readonly depth: number;
  /** Tasks that were spawned below the scope. */
  readonly fanOut: number;
  /** From this share of a limit on, the model is told to come to its end. */
  readonly softPercent: number;
  readonly whenExhausted: WhenExhausted;
}

/** Which limit was in the way. */
export interface BudgetExcess {
  readonly scope: BudgetScope;
  readonly what: BudgetAmount;
  readonly limit: number;
  /** Spent and reserved, without what was asked for. */
  readonly used: number;
  /** What was asked for; of time 1 ms, since a call says nothing of it. */
  readonly asked: number;
}

export const DEFAULT_SOFT_PERCENT = 80;
export const NOTHING: BudgetAsk = { tokens: 0, costMicros: 0, steps: 0 };

/** Used of each amount: spent and reserved together. */
export function usedOf({ spent, reserved, elapsedMs, fanOut }: BudgetState): Readonly<Record<BudgetAmount, number>> {
  return {
    tokens: spent.tokens + reserved.tokens,
    money: spent.costMicros + reserved.costMicros,
    steps: spent.steps + reserved.steps,
    time: elapsedMs,
    depth: 0,
    fan_out: fanOut,
  };
}

/**
 * The first limit that a call would exceed; null where it fits. The statement that reserves decides by the same rule: used
 * and asked for together may be the limit, and time is over when the limit is reached.
 */
export function excessOf(state: BudgetState, ask: BudgetAsk): BudgetExcess | null {
  const { scope, limits } = state;
  const used = usedOf(state);
  const asked = { tokens: ask.tokens, money: ask.costMicros, steps: ask.steps, time: 1 };
  for (const what of ['tokens', 'money', 'steps', 'time'] as const) {
    const limit = limits[what];
    if (limit !== null && used[what] + asked[what] > limit) {
      return { scope, what, limit, used: used[what], asked: asked[what] };
    }
  }
  return null;
}

/** The first limit that spawning so many tasks at a depth would exceed; null where it may be done. */
export function spawnExcess(
  states: readonly BudgetState[],
  { depth, count }: { readonly depth: number; readonly count: number },
): BudgetExcess | null {
  for (const { scope, limits, depth: own, fanOut } of states) {
    const below = depth - own;
    if (limits.depth !== null && below > limits.depth) {
      return { scope, what: 'depth', limit: limits.depth, used: below - 1, asked: 1 };
    }
    if (limits.fan_out !== null && fanOut + count > limits.fan_out) {
      return { scope, what: 'fan_out', limit: limits.fan_out, used: fanOut, asked: count };
    }
  }
  return null;
}

/** Whether the soft threshold of one of its limits is reached. Depth has none. */
export function isSoft(state: BudgetState): boolean {
  return BUDGET_AMOUNTS.some((what) => isSoftIn(state, what));
}

/** The same of one limit. */
export function isSoftIn(state: BudgetState, what: BudgetAmount): boolean {
  const limit = state.limits[what];
  return what !== 'depth' && limit !== null && usedOf(state)[what] * 100 >= limit * state.softPercent;
}

/**
 * Whether a call brings a budget to its soft threshold. It counts as the calls before it did on average and not as it may at
 * most: a first call may ask for half a budget and need little of it.
 */
export function isSoftWith(state: BudgetState, ask: BudgetAsk): boolean {
  return isSoft({ ...state, reserved: added(state.reserved, expectedOf(state, ask)) });
}

function expectedOf({ spent }: BudgetState, { tokens, costMicros, steps }: BudgetAsk): BudgetAsk {
  const average = (sum: number) => (spent.steps === 0 ? 0 : Math.ceil((sum / spent.steps) * steps));
  return {
    tokens: Math.min(tokens, average(spent.tokens)),
    costMicros: Math.min(costMicros, average(spent.costMicros)),
    steps,
  };
}

export function added(one: BudgetAsk, other: BudgetAsk): BudgetAsk {
  return {
    tokens: one.tokens + other.tokens,
    costMicros: one.costMicros + other.costMicros,
    steps: one.steps + other.steps,
  };
}
