import type { Expression } from 'kysely';
import type { TaskId } from '../../domain/ids.ts';
import type { OutboxTopic } from '../../domain/system/outbox.ts';
import {
  call,
  column,
  constant,
  type InsertPart,
  insertFrom,
  type JsonCell,
  jsonOf,
  type RowSource,
  type Sql,
  type TextCell,
  textOf,
} from '../insert-from.ts';

/** What is to be done outside the database. */
export interface OutboxRow {
  /** Default: the column `tenant_id` of the source. */
  readonly tenant?: TextCell;
  readonly topic: OutboxTopic | Sql;
  /** The task that it is about; null where the payload names several. Default: the column `id` of the source. */
  readonly taskId?: string | Sql | null;
  readonly payload?: JsonCell;
}

/** How a row of the outbox looks: an insert of one for each row, or each group, of a table of the same statement. */
export function outboxRowsFrom(source: RowSource | string | null, row: OutboxRow): InsertPart {
  return insertFrom('outbox', source, {
    tenant_id: textOf(row.tenant ?? column('tenant_id')),
    topic: textOf(row.topic),
    task_id: taskIdOf(row.taskId),
    payload: jsonOf(row.payload ?? {}),
  });
}

function taskIdOf(taskId: OutboxRow['taskId']): Sql {
  if (taskId === undefined) return column('id');
  return taskId === null || typeof taskId === 'string' ? constant(taskId, 'uuid') : taskId;
}

/** Tells the workflows of these tasks that their calls may find room in a budget by now. */
export function grantedRow(taskIds: Sql | readonly TaskId[]): OutboxRow {
  return { topic: 'budget.granted', taskId: null, payload: { taskIds } };
}

/**
 * One row for all tasks of a tenant that may enter the queue, by their `id` and `tenant_id`; no row where there are
 * none.
 */
export function submittedRowsFrom(from: string, where?: Expression<unknown>): InsertPart {
  const tasks: RowSource = { from, groupBy: column('tenant_id'), ...(where === undefined ? {} : { where }) };
  const payload = { taskIds: call('jsonb_agg', column('id')) };
  return outboxRowsFrom(tasks, { topic: 'task.submitted', taskId: null, payload });
}
