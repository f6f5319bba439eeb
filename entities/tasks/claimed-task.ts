import type { Selectable } from 'kysely';
import type { TraceId } from '../../domain/ids.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { bandOfPriority, type PriorityBand } from '../../domain/tasks/priority.ts';
import { isOpenTaskStatus, type OpenTaskStatus, type TaskStatus } from '../../domain/tasks/task-status.ts';
import type { Tables } from '../tables.ts';

/** A task that was taken, with the trace that was opened for it. */
export interface ClaimedTask {
  readonly execution: ExecutionRef;
  readonly graphName: string;
  readonly taskQueue: string;
  readonly title: string;
  readonly priority: PriorityBand;
  /** When it must have ended; null for a task without a deadline. */
  readonly deadlineAt: Date | null;
  /** How PostgreSQL has it: otherwise than `in_progress` only where it was under way before. */
  readonly standing: OpenTaskStatus;
  /** The shared execution that carries it, by the id of its workflow; null for one with an execution of its own. */
  readonly carriedBy: string | null;
}

/** The columns of a task that a claim knows. */
export const CLAIM_COLUMNS = [
  ...(['id', 'tenantId', 'graphId', 'graphName', 'taskQueue', 'title', 'priority', 'userId', 'fence'] as const),
  ...(['conversation', 'traceCount', 'deadlineAt', 'modelChoice'] as const),
];
type ClaimColumns = Pick<Selectable<Tables['tasks']>, (typeof CLAIM_COLUMNS)[number]>;

/** A claimed task as the statements of this folder return it. */
export interface ClaimedTaskRow extends ClaimColumns {
  readonly traceId: TraceId;
  readonly standing: TaskStatus;
  readonly carriedBy?: string | null;
}

export function readClaimedTask(row: ClaimedTaskRow): ClaimedTask {
  const band = bandOfPriority(row.priority);
  return {
    execution: {
      tenant: row.tenantId,
      taskId: row.id,
      traceId: row.traceId,
      traceNumber: row.traceCount,
      user: row.userId,
      ...(row.conversation === null ? {} : { conversation: row.conversation }),
      graphId: row.graphId,
      ...(row.modelChoice === null ? {} : { models: row.modelChoice }),
      fence: row.fence,
      band,
    },
    graphName: row.graphName,
    taskQueue: row.taskQueue,
    title: row.title,
    priority: band,
    deadlineAt: row.deadlineAt,
    standing: isOpenTaskStatus(row.standing) ? row.standing : 'in_progress',
    carriedBy: row.carriedBy ?? null,
  };
}
