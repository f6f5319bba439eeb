import type { Selectable } from 'kysely';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import { bandOfPriority, type PriorityBand } from '../../domain/tasks/priority.ts';
import type { Tables } from '../tables.ts';

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

/** The columns of a task that its job is made of. */
export const JOB_COLUMNS = ['id', 'tenantId', 'taskQueue', 'priority', 'createdAt', 'concurrencyKeys'] as const;

export function readWaitingJob(task: Pick<Selectable<Tables['tasks']>, (typeof JOB_COLUMNS)[number]>): WaitingJob {
  return {
    taskId: task.id,
    tenant: task.tenantId,
    taskQueue: task.taskQueue,
    band: bandOfPriority(task.priority),
    createdAtMs: task.createdAt.getTime(),
    keys: task.concurrencyKeys,
  };
}
