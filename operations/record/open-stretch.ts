import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TaskId, TraceId } from '../../domain/ids.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { givenValue } from '../../entities/statements/given-values.ts';
import { Statement, statements } from '../../entities/statements/statement.ts';
import { readTask, type TaskRecord } from '../../entities/tasks/task-record.ts';
import { TRACE, type TraceParts } from '../../entities/traces/event-rows.ts';

/** What a stretch of quick nodes finds as it begins. */
export interface OpenedStretch {
  readonly task: TaskRecord;
  /** How many began since one was last written, this one included. */
  readonly tries: number;
  /** Whether any run of the trace has been written. */
  readonly hasRuns: boolean;
  /** Whether the trace has taken runs over that its state does not know. */
  readonly isFork: boolean;
}

const GIVEN = {
  taskId: givenValue<TaskId>('uuid'),
  traceId: givenValue<TraceId>('uuid'),
  fence: givenValue<number>('bigint'),
  counts: givenValue<boolean>('boolean'),
};

const OPEN = new Statement(GIVEN, ({ taskId, traceId, fence, counts }) =>
  statements
    .with('current', (q) =>
      q.selectFrom('tasks as t').selectAll('t').where('t.id', '=', taskId).where('t.fence', '=', fence),
    )
    .with('begun', (q) =>
      q
        .updateTable('agent_traces as r')
        .set((eb) => ({ stretchTries: eb('r.stretchTries', '+', 1) }))
        .where('r.id', '=', traceId)
        .where('r.status', '=', 'running')
        .where(counts)
        .where((eb) => eb.exists(eb.selectFrom('current').select('id')))
        .returning('r.stretchTries'),
    )
    .selectFrom('current as t')
    .leftJoin('begun as b', (join) => join.onTrue())
    .selectAll('t')
    .select('b.stretchTries')
    .select((eb) =>
      eb
        .exists(eb.selectFrom('agent_runs').select('id').where('traceId', '=', traceId))
        .$castTo<boolean>()
        .as('hasRuns'),
    )
    .select((eb) =>
      eb
        .exists(eb.selectFrom('task_forks').select('taskId').where('taskId', '=', taskId))
        .$castTo<boolean>()
        .as('isFork'),
    ),
);

/**
 * Counts that a stretch begins, and reads its task: one statement, by primary keys. A trace that has ended, or that
 * cannot be written, counts nothing. Null, with nothing counted, where the fence is stale.
 */
export async function openStretch(
  em: SqlEntityManager,
  trace: TraceParts,
  { taskId, traceId, fence }: ExecutionRef,
): Promise<OpenedStretch | null> {
  const [row] = await OPEN.run(em, { taskId, traceId, fence, counts: trace === TRACE });
  if (row === undefined) return null;
  const { stretchTries, hasRuns, isFork, ...task } = row;
  return { task: readTask(task), tries: stretchTries ?? 1, hasRuns, isFork };
}
