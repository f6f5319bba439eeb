import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { usedText } from '../../domain/budgets/budget-errors.ts';
import { type BudgetState, excessOf } from '../../domain/budgets/budget-state.ts';
import type { TaskId } from '../../domain/ids.ts';
import { type Cause, cause } from '../../domain/tasks/cause.ts';
import { pathOfCallKey } from '../../domain/thinking/call-key.ts';
import { BudgetLimitRepository } from '../../entities/budgets/budget-limit-repository.ts';
import { BudgetRepository, type WaitingCall } from '../../entities/budgets/budget-repository.ts';

/** For which budgets the runs of a task wait. */
export async function readBudgetWaits(em: SqlEntityManager, taskId: TaskId): Promise<readonly Cause[]> {
  const calls = await new BudgetRepository(em).waitingOf(taskId);
  const scopes = [...new Set(calls.flatMap((call) => call.scopes))];
  if (scopes.length === 0) return [];
  const states = await new BudgetLimitRepository(em).list({ scopes, limit: scopes.length });
  return calls.map((call) => causeOf(call, states));
}

function causeOf({ key, ask, scopes }: WaitingCall, states: readonly BudgetState[]): Cause {
  const path = pathOfCallKey(key);
  const [excess] = states.filter(({ scope }) => scopes.includes(scope)).flatMap((state) => excessOf(state, ask) ?? []);
  if (excess === undefined) return cause('budget', 'a look at its budget, which has room by now', { path });
  return cause('budget', `room in the budget of ${excess.scope}: ${usedText(excess)}`, { path });
}
