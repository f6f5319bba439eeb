import {
  BUDGET_AMOUNTS,
  type BudgetLimits,
  type BudgetOptions,
  limitsOfOptions,
} from '../../domain/budgets/amounts.ts';
import { BudgetUnknown } from '../../domain/budgets/budget-errors.ts';
import type { BudgetState } from '../../domain/budgets/budget-state.ts';
import { type BudgetScope, readBudgetScope } from '../../domain/budgets/scopes.ts';
import type { TaskId } from '../../domain/ids.ts';
import { BudgetLimitRepository } from '../../entities/budgets/budget-limit-repository.ts';
import { runPart } from '../../entities/insert-from.ts';
import { outboxRowsFrom } from '../../entities/system/outbox-rows.ts';
import { type CallInUnit, defineOperation } from '../define.ts';
import { BUDGET_FIELDS, budgetScope } from './budget-fields.ts';
import { BUDGET_CHANGE, noteOf, stateOf } from './set.ts';
import { type BudgetView, viewOfBudget } from './view.ts';

export interface GrantBudgetInput extends BudgetOptions {
  readonly scope: BudgetScope;
}

/** Waiting tasks that one grant of a tenant or a user tells. The others look again by themselves. */
const MOST_TOLD = 1_000;

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
    await budgets.setLimits(scope, limits, before.softPercent);
    await tellWaiting(call, budgets, scope);
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

/** The relay tells the workflows of these tasks, in case they wait. */
async function tellWaiting(
  { em, caller: { tenant } }: CallInUnit,
  budgets: BudgetLimitRepository,
  scope: BudgetScope,
): Promise<void> {
  const taskIds = await waitingFor(budgets, scope);
  if (taskIds.length === 0) return;
  await runPart(em, outboxRowsFrom(null, { tenant, topic: 'budget.granted', taskId: null, payload: { taskIds } }));
}

async function waitingFor(budgets: BudgetLimitRepository, scope: BudgetScope): Promise<TaskId[]> {
  const { task, kind } = readBudgetScope(scope) ?? { task: null, kind: 'tenant' };
  if (task !== null) return [task];
  return budgets.waiting(kind === 'user' ? scope.slice('user:'.length) : null, MOST_TOLD);
}
