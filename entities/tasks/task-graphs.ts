import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TaskId } from '../../domain/ids.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { anyOf } from '../common-expressions.ts';
import { tables } from '../tables.ts';

export type TaskGraph = Pick<ExecutionRef, 'tenant' | 'graphId'>;

/** The graphs of these tasks. Needs a system unit of work. */
export async function taskGraphs(
  em: SqlEntityManager,
  ids: readonly TaskId[],
): Promise<ReadonlyMap<TaskId, TaskGraph>> {
  const rows = await tables(em)
    .selectFrom('tasks')
    .where('id', '=', anyOf(ids))
    .select(['id', 'tenantId', 'graphId'])
    .execute();
  return new Map(rows.map(({ id, tenantId, graphId }) => [id, { tenant: tenantId, graphId }]));
}
