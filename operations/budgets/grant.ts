import {
  BUDGET_AMOUNTS,
  type BudgetLimits,
  type BudgetOptions,
  limitsOfOptions,
} from '../../domain/budgets/amounts.ts';
import { BudgetUnknown } from '../../domain/budgets/budget-errors.ts';
import type { BudgetState } from '../../domain/budgets/budget-state.ts';
import type { BudgetScope } from '../../domain/budgets/scopes.ts';
import { BudgetLimitRepository } from '../../entities/budgets/budget-limit-repository.ts';
import { defineOperation } from '../define.ts';
import { BUDGET_FIELDS, budgetScope } from './budget-fields.ts';
import { BUDGET_CHANGE, noteOf, stateOf } from './set.ts';
import { tellWaiting } from './tell-waiting.ts';
import { type BudgetView, viewOfBudget } from './view.ts';

export interface GrantBudgetInput extends BudgetOptions {
  readonly scope: BudgetScope;
}

export const grantBudget = defineOperation({
  ...BUDGET_CHANGE,
  name: 'budgets.grant',
  summary: 'Gives more to a budget; a task that waits for it continues.',
  input: { ...BUDGET_FIELDS, scope: budgetScope },
  contradiction: ({ scope: _, ...amounts }: GrantBudgetInput) =>
    Object.keys(amounts).length === 0 ? '`tokens`, `money`, `steps` or another amount must be given' : null,
  async handle(call, { scope, ...amounts }: GrantBudgetInput): Promise<BudgetView> {
    const budgets = new BudgetLimitRepository(call.em);
    const before = await stateOf(budgets, scope);
    const limits = more(before, limitsOfOptions(amounts));
    await budgets.setLimits(scope, limits);
    await tellWaiting(call, scope);
    return viewOfBudget({ ...before, limits });
  },
  audit: (_view, { scope, ...granted }) => noteOf('budget.granted', scope, granted),
});

/** The limits with what was granted. Time is granted from now on, for what has passed is over. @throws BudgetUnknown */
function more({ scope, limits, elapsedMs }: BudgetState, granted: BudgetLimits): BudgetLimits {
  const raised = BUDGET_AMOUNTS.map((what) => {
    const [limit, gift] = [limits[what], granted[what]];
    if (gift === null) return [what, limit];
    if (limit === null) throw new BudgetUnknown(scope, what);
    return [what, Math.max(limit, what === 'time' ? elapsedMs : 0) + gift];
  });
  return Object.fromEntries(raised) as BudgetLimits;
}
