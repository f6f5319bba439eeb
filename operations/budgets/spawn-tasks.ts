import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { hasLimits, NO_LIMITS } from '../../domain/budgets/amounts.ts';
import { BudgetExhausted } from '../../domain/budgets/budget-errors.ts';
import { spawnExcess } from '../../domain/budgets/budget-state.ts';
import { type Lineage, TENANT_SCOPE } from '../../domain/budgets/scopes.ts';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import { BudgetLimitRepository } from '../../entities/budgets/budget-limit-repository.ts';
import type { NewTask } from '../../entities/tasks/new-task.ts';

const AT_THE_TOP: Lineage = { scopes: [], depth: 0 };

/** Whether a new task has a budget, or counts in that of another task. */
export function countsInBudget({ budget, parent, lineage }: Pick<NewTask, 'budget' | 'parent' | 'lineage'>): boolean {
  return budget !== undefined || parent !== undefined || lineage !== undefined;
}

/**
 * Writes the budgets of new tasks in the transaction that writes the tasks, and counts those that a task spawned in every
 * budget above it. The tasks are those of one call that were written just now: what was there before was counted before.
 * @throws BudgetExhausted for a task that would stand too deep, or be one too many; nothing is written then
 */
export async function writeTaskBudgets(
  em: SqlEntityManager,
  tenant: TenantId,
  tasks: readonly NewTask[],
): Promise<void> {
  const counted = tasks.filter(countsInBudget);
  const [first] = counted;
  if (first === undefined) return;
  const spawned = first.parent === undefined ? AT_THE_TOP : await spawnBelow(em, first.parent, counted.length);
  const lineage = first.lineage ?? spawned;
  await new BudgetLimitRepository(em).insertForTasks(
    tenant,
    counted.map(({ id, budget = NO_LIMITS, whenExhausted = 'end' }) => {
      return { taskId: id, limits: budget, whenExhausted, ...lineage };
    }),
  );
}

/**
 * Counts tasks that a task spawns in every budget above them. @returns what they have above them
 * @throws BudgetExhausted
 */
export async function spawnBelow(em: SqlEntityManager, parent: TaskId, count: number): Promise<Lineage> {
  const budgets = new BudgetLimitRepository(em);
  const lineage = await budgets.lineageBelow(parent);
  const above = [TENANT_SCOPE, ...lineage.scopes];
  const states = (await budgets.lock(above)).filter(({ limits }) => hasLimits(limits));
  const excess = spawnExcess(states, { depth: lineage.depth, count });
  if (excess !== null) throw new BudgetExhausted(excess);
  const scopes = states.map(({ scope }) => scope);
  if (scopes.length > 0) await budgets.addFanOut(scopes, count);
  // A task without limits never gets any: a long chain of such tasks has nothing to carry on. Others may get some.
  return { ...lineage, scopes: lineage.scopes.filter((scope) => scopes.includes(scope) || !scope.startsWith('task:')) };
}
