import {
  BUDGET_AMOUNTS,
  type BudgetLimits,
  type BudgetOptions,
  limitsOfOptions,
  type WhenExhausted,
} from '../../domain/budgets/amounts.ts';
import { BudgetUnknown } from '../../domain/budgets/budget-errors.ts';
import type { BudgetState } from '../../domain/budgets/budget-state.ts';
import { type BudgetScope, readBudgetScope } from '../../domain/budgets/scopes.ts';
import type { JsonObject } from '../../domain/json.ts';
import { BudgetLimitRepository } from '../../entities/budgets/budget-limit-repository.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { wholeNumber } from '../../options/fields.ts';
import { type AuditNote, type CallInUnit, defineOperation } from '../define.ts';
import { TaskUnknown } from '../operation-errors.ts';
import { BUDGET_FIELDS, budgetScope, whenExhausted } from './budget-fields.ts';
import { tellWaiting } from './tell-waiting.ts';
import { type BudgetView, viewOfBudget } from './view.ts';

/** What every change of a budget declares alike. */
export const BUDGET_CHANGE = {
  ...({ effect: 'write', risk: 'high_risk', permission: 'budgets:admin', by: 'person', unit: 'tenant' } as const),
  once: 'key' as const,
};

export interface SetBudgetInput extends BudgetOptions {
  readonly scope: BudgetScope;
  /** From this share of a limit on, models are told to come to their end. */
  readonly soft?: number;
  /** What becomes of runs that find no room in it. @defaultValue as before, at first 'end' */
  readonly whenExhausted?: WhenExhausted;
}

/** A task's own budget comes with its submit: here it is only granted more. */
const OF_A_TASK = '`scope` names a task, whose budget comes with its submit; `budgets.grant` gives it more';

export const setBudget = defineOperation({
  ...BUDGET_CHANGE,
  name: 'budgets.set',
  summary: 'Sets what a tenant, a user, a conversation or a part of a task may spend.',
  input: { ...BUDGET_FIELDS, scope: budgetScope, soft: wholeNumber({ min: 1, max: 100 }).optional(), whenExhausted },
  contradiction: ({ scope, soft: _, whenExhausted: __, ...amounts }: SetBudgetInput) => {
    if (readBudgetScope(scope)?.kind === 'task') return OF_A_TASK;
    return Object.keys(amounts).length === 0 ? '`tokens`, `money`, `steps` or another limit must be given' : null;
  },
  async handle(call, { scope, soft, whenExhausted: then, ...amounts }: SetBudgetInput): Promise<BudgetView> {
    await requireTaskOf(call, scope);
    const budgets = new BudgetLimitRepository(call.em);
    await budgets.ensure(call.caller.tenant, scope);
    const before = await stateOf(budgets, scope);
    const limits = { ...before.limits, ...given(limitsOfOptions(amounts)) };
    const manner = { softPercent: soft ?? before.softPercent, whenExhausted: then ?? before.whenExhausted };
    await budgets.setLimits(scope, limits, manner);
    await tellWaiting(call, scope);
    return viewOfBudget({ ...before, ...manner, limits });
  },
  audit: (_view, { scope, ...set }) => noteOf('budget.set', scope, set),
});

export const unsetBudget = defineOperation({
  ...BUDGET_CHANGE,
  name: 'budgets.unset',
  summary: 'Removes the limits of a tenant, a user, a conversation or a part of a task.',
  input: { scope: budgetScope },
  contradiction: ({ scope }: { readonly scope: BudgetScope }) =>
    readBudgetScope(scope)?.kind === 'task' ? OF_A_TASK : null,
  async handle(call, { scope }: { readonly scope: BudgetScope }) {
    const removed = await new BudgetLimitRepository(call.em).clearLimits(scope);
    await tellWaiting(call, scope);
    return { removed };
  },
  audit: ({ removed }, { scope }) => (removed ? noteOf('budget.unset', scope) : null),
});

export function noteOf(action: string, scope: BudgetScope, amounts: object = {}): AuditNote {
  return { action, subjectType: 'budget', subjectId: scope, details: { ...(amounts as JsonObject) } };
}

/** Locks a scope's budget. @throws BudgetUnknown */
export async function stateOf(budgets: BudgetLimitRepository, scope: BudgetScope): Promise<BudgetState> {
  const [state] = await budgets.lock([scope]);
  if (state === undefined) throw new BudgetUnknown(scope);
  return state;
}

async function requireTaskOf({ em, caller }: CallInUnit, scope: BudgetScope): Promise<void> {
  const task = readBudgetScope(scope)?.task ?? null;
  if (task !== null && (await new TaskRepository(em).find(task)) === null) throw new TaskUnknown(task, caller.tenant);
}

/** Only the limits that are there. */
function given(limits: BudgetLimits): Partial<BudgetLimits> {
  return Object.fromEntries(BUDGET_AMOUNTS.flatMap((what) => (limits[what] === null ? [] : [[what, limits[what]]])));
}
