import type { GraphId, TaskId, TenantId, TraceId } from '../../domain/ids.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { bandOfPriority, type PriorityBand } from '../../domain/tasks/priority.ts';
import { readDateOrNull } from '../read-row.ts';

/** A task that was taken, with the trace that was opened for it. */
export interface ClaimedTask {
  readonly execution: ExecutionRef;
  readonly graphName: string;
  readonly taskQueue: string;
  readonly title: string;
  readonly priority: PriorityBand;
  /** When it must have ended; null for a task without a deadline. */
  readonly deadlineAt: Date | null;
  /** Whether its nodes are held back: true only of one that was under way before. */
  readonly paused: boolean;
}

/** Its columns, as hand-written SQL returns them. */
export interface ClaimedTaskRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly graph_id: string;
  readonly graph_name: string;
  readonly task_queue: string;
  readonly title: string;
  readonly priority: number;
  readonly user_id: string | null;
  readonly fence: string;
  readonly trace_count: number;
  readonly deadline_at: string | null;
  readonly trace_id: string;
  readonly paused: boolean;
}

export function readClaimedTask(row: ClaimedTaskRow): ClaimedTask {
  return {
    execution: {
      tenant: row.tenant_id as TenantId,
      taskId: row.id as TaskId,
      traceId: row.trace_id as TraceId,
      traceNumber: row.trace_count,
      user: row.user_id,
      graphId: row.graph_id as GraphId,
      fence: Number(row.fence),
      band: bandOfPriority(row.priority),
    },
    graphName: row.graph_name,
    taskQueue: row.task_queue,
    title: row.title,
    priority: bandOfPriority(row.priority),
    deadlineAt: readDateOrNull(row.deadline_at),
    paused: row.paused,
  };
}
