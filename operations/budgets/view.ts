import { BUDGET_AMOUNTS, type BudgetAmount, type WhenExhausted } from '../../domain/budgets/amounts.ts';
import { type BudgetState, isSoft, isSoftIn, usedOf } from '../../domain/budgets/budget-state.ts';
import { type BudgetScope, taskScope } from '../../domain/budgets/scopes.ts';
import { BudgetLimitRepository } from '../../entities/budgets/budget-limit-repository.ts';
import { wholeNumber } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';
import { budgetScope } from './budget-fields.ts';

/** One limit of a scope. Money is in micro-units, time in milliseconds. */
export interface BudgetLimitView {
  readonly what: BudgetAmount;
  readonly limit: number;
  /** Of time: what has passed since the first model call. Of depth: 0. */
  readonly spent: number;
  /** For calls that are to come or under way; it becomes `spent` with what they cost. */
  readonly reserved: number;
  /** Below 0 where calls cost more than their estimates. */
  readonly left: number;
  /** Whether this limit's soft threshold is reached. */
  readonly soft: boolean;
}

/** The budget of one scope. */
export interface BudgetView {
  readonly scope: BudgetScope;
  readonly limits: readonly BudgetLimitView[];
  readonly softPercent: number;
  /** Whether the soft threshold of any of them is reached: models are told to come to their end. */
  readonly soft: boolean;
  /** What becomes of runs that find no room in it. */
  readonly whenExhausted: WhenExhausted;
  /** Calls that wait for room in it. */
  readonly waiting: number;
}

/** Which budgets to show: those with waiting calls first, then the outermost and the newest. */
export interface ViewBudgetsInput {
  /** One only. */
  readonly scope?: BudgetScope;
  /** 1 to 10,000. @defaultValue 500 */
  readonly limit?: number;
}

const MOST_LISTED = 10_000;

export const viewBudgets = defineOperation({
  name: 'budgets.view',
  summary: 'Shows budgets: their limits, and what is spent, reserved and left.',
  effect: 'read',
  risk: 'read_only',
  permission: 'budgets:read',
  unit: 'tenant',
  input: { scope: budgetScope.optional(), limit: wholeNumber({ min: 1, max: MOST_LISTED }).optional() },
  async handle({ em }, { scope, limit = 500 }: ViewBudgetsInput): Promise<readonly BudgetView[]> {
    const budgets = new BudgetLimitRepository(em);
    const wanted = scope === undefined ? {} : { scopes: [scope] };
    const waiting = await budgets.waitingCounts();
    const states = await budgets.list({ ...wanted, first: [...waiting.keys()], limit });
    return states.map((state) => viewOfBudget(state, waiting.get(state.scope)));
  },
});

/** The budget of a task; null where it has none of its own. */
export async function budgetOfTask(budgets: BudgetLimitRepository, id: Parameters<typeof taskScope>[0]) {
  const [state] = await budgets.list({ scopes: [taskScope(id)], limit: 1 });
  return state === undefined ? null : viewOfBudget(state, (await budgets.waitingCounts()).get(state.scope));
}

export function viewOfBudget(state: BudgetState, waiting = 0): BudgetView {
  const { scope, limits, reserved, softPercent, whenExhausted } = state;
  const used = usedOf(state);
  const held: Partial<Record<BudgetAmount, number>> = {
    ...{ tokens: reserved.tokens, money: reserved.costMicros, steps: reserved.steps },
  };
  const views = BUDGET_AMOUNTS.flatMap((what): BudgetLimitView[] => {
    const limit = limits[what];
    if (limit === null) return [];
    const inReserve = held[what] ?? 0;
    const [spent, left] = [used[what] - inReserve, limit - used[what]];
    return [{ what, limit, spent, reserved: inReserve, left, soft: isSoftIn(state, what) }];
  });
  return { scope, limits: views, softPercent, soft: isSoft(state), whenExhausted, waiting };
}
