import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { NewTask } from '../../entities/tasks/new-task.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';

/** The tasks of one call, with those on whose behalf they act. */
export async function withDelegation(em: SqlEntityManager, tasks: readonly NewTask[]): Promise<readonly NewTask[]> {
  const [first] = tasks;
  if (first?.parent === undefined) return tasks;
  const actsFor = await actingFor(em, first);
  return actsFor.length === 0 ? tasks : tasks.map((task) => ({ ...task, actsFor }));
}

/**
 * On whose behalf acts what comes from a task's node. It acts for all for whom that task acts, and for the agent whose tool
 * it was: so the rights of an agent do not grow with what it submits, at any depth.
 */
export async function actingFor(
  em: SqlEntityManager,
  { parent, agent }: Pick<NewTask, 'parent' | 'agent'>,
): Promise<readonly string[]> {
  if (parent === undefined) return [];
  const above = await new TaskRepository(em).actsFor(parent);
  return [...new Set([...above, ...(agent === undefined ? [] : [agent])])];
}
