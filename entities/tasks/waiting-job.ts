import { sql } from 'kysely';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import { bandOfPriority, type PriorityBand } from '../../domain/tasks/priority.ts';
import { readDate } from '../read-row.ts';

/** A task that may start, with all that its job in the queue is made of. */
export interface WaitingJob {
  readonly taskId: TaskId;
  readonly tenant: TenantId;
  readonly taskQueue: string;
  readonly band: PriorityBand;
  readonly createdAtMs: number;
  /** Its concurrency keys. */
  readonly keys: readonly string[];
}

/** A task's columns as the driver returns them. */
export interface WaitingJobRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly task_queue: string;
  readonly priority: number;
  readonly created_at: string;
  readonly concurrency_keys: string[];
}

export const WAITING_JOB_COLUMNS = sql`id, tenant_id, task_queue, priority, created_at, concurrency_keys`;

export function readWaitingJob(row: WaitingJobRow): WaitingJob {
  return {
    taskId: row.id as TaskId,
    tenant: row.tenant_id as TenantId,
    taskQueue: row.task_queue,
    band: bandOfPriority(row.priority),
    createdAtMs: readDate(row.created_at).getTime(),
    keys: row.concurrency_keys,
  };
}
