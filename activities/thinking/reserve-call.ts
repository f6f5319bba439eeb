import type { BudgetAsk } from '../../domain/budgets/amounts.ts';
import { BudgetExhausted } from '../../domain/budgets/budget-errors.ts';
import { budgetScopesOf } from '../../domain/budgets/scopes.ts';
import type { Failure } from '../../domain/tasks/execution.ts';
import type { StepPlace } from '../../operations/record/model-calls.ts';
import type { ActivityDependencies } from '../dependencies.ts';

/** What a model call may cost at most, before it is announced. */
export interface CallReservation {
  readonly place: StepPlace;
  /** Of this very call: one that is repeated in doubt has another key, so both stay charged. */
  readonly key: string;
  readonly ask: BudgetAsk;
}

/** `refused`: a budget has no room, and the run ends. `waits`: the same, and it waits, as the budget says. */
export type ReservedCall =
  | { readonly kind: 'reserved'; readonly reservation: string | null; readonly isSoft: boolean }
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'waits' };

/**
 * Reserves what a model call may cost at most from every budget above it. It is held until the transaction that announces the
 * call says that it begins; so a hot budget is locked for one statement only, which the calls of one moment share.
 */
export async function reserveCall(
  { spender, process }: Pick<ActivityDependencies, 'spender' | 'process'>,
  { place: { execution, path }, key, ask }: CallReservation,
): Promise<ReservedCall> {
  const { tenant } = execution;
  const request = { key, tenant, ask, process, scopes: budgetScopesOf(execution, path) };
  const answer = await spender.reserve(request);
  if (answer.ok) {
    // It may have waited for limits that are removed since.
    if (!answer.reserved) await spender.release(tenant, key);
    return { kind: 'reserved', reservation: answer.reserved ? key : null, isSoft: answer.soft };
  }
  if (answer.whenExhausted === 'wait') {
    await spender.wait(request, answer.scopes);
    return { kind: 'waits' };
  }
  const { code, message } = new BudgetExhausted(answer, execution.taskId);
  return { kind: 'refused', failure: { code, message } };
}
