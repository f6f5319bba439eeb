import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { NewTask } from '../../entities/tasks/new-task.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';

/**
 * The tasks of one call, with those on whose behalf they act. What a task spawns acts for all for whom that task acts, and
 * for the agent whose tool it was: so the rights of an agent do not grow with what it submits, at any depth.
 */
export async function withDelegation(em: SqlEntityManager, tasks: readonly NewTask[]): Promise<readonly NewTask[]> {
  const [first] = tasks;
  if (first?.parent === undefined) return tasks;
  const above = await new TaskRepository(em).actsFor(first.parent);
  const actsFor = [...new Set([...above, ...(first.agent === undefined ? [] : [first.agent])])];
  return actsFor.length === 0 ? tasks : tasks.map((task) => ({ ...task, actsFor }));
}
