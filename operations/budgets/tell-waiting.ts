import type { BudgetScope } from '../../domain/budgets/scopes.ts';
import { BudgetLimitRepository } from '../../entities/budgets/budget-limit-repository.ts';
import { runPart } from '../../entities/insert-from.ts';
import { grantedRow, outboxRowsFrom } from '../../entities/system/outbox-rows.ts';
import type { CallInUnit } from '../define.ts';

/** Waiting tasks that one change of a budget tells. The sweeper finds the others. */
const MOST_TOLD = 1_000;

/** Has the relay tell the workflows of tasks of which calls wait for room in a scope: its limits have changed. */
export async function tellWaiting({ em, caller: { tenant } }: CallInUnit, scope: BudgetScope): Promise<void> {
  const taskIds = await new BudgetLimitRepository(em).waitingFor(scope, MOST_TOLD);
  if (taskIds.length === 0) return;
  await runPart(em, outboxRowsFrom(null, { tenant, ...grantedRow(taskIds) }));
}
