import type { GraphId, TaskId, TenantId } from '../../domain/ids.ts';
import { isJsonObject } from '../../domain/json.ts';
import type { Failure } from '../../domain/tasks/execution.ts';
import { bandOfPriority, type PriorityBand } from '../../domain/tasks/priority.ts';
import { type Recurrence, readRecurrence } from '../../domain/tasks/recurrence.ts';
import type { TaskStatus } from '../../domain/tasks/task-status.ts';
import { readDate, readDateOrNull } from '../read-row.ts';
import type { StoredValue } from '../traces/artifact-repository.ts';

/** A row of `tasks` as the driver returns it. The table's constraints vouch for its values. */
export interface TaskRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly graph_id: string;
  readonly graph_name: string;
  readonly task_queue: string;
  readonly title: string;
  readonly status: TaskStatus;
  readonly priority: number;
  readonly user_id: string | null;
  readonly idempotency_key: string | null;
  readonly request_hash: string;
  readonly input: unknown;
  readonly input_artifact_id: string | null;
  readonly output: unknown;
  readonly output_artifact_id: string | null;
  readonly error: unknown;
  readonly fence: string;
  readonly trace_count: number;
  readonly cancel_requested_at: string | null;
  readonly start_after: string | null;
  readonly held_at: string | null;
  readonly due_date: string | null;
  readonly deadline_at: string | null;
  readonly recurrence: unknown;
  readonly predecessor_id: string | null;
  readonly started_at: string | null;
  readonly completed_at: string | null;
  readonly created_at: string;
}

/** A task as the program sees it. */
export interface TaskRecord {
  readonly id: TaskId;
  readonly tenant: TenantId;
  readonly graphId: GraphId;
  readonly graph: string;
  readonly taskQueue: string;
  readonly title: string;
  readonly status: TaskStatus;
  readonly priority: PriorityBand;
  readonly user: string | null;
  readonly key: string | null;
  readonly requestHash: string;
  readonly input: StoredValue;
  readonly output: StoredValue;
  readonly error: Failure | null;
  readonly fence: number;
  /** How many traces the task has had; 0 before its first start. */
  readonly traceCount: number;
  readonly cancelRequested: boolean;
  /** Not to be started before; null for at once. */
  readonly startAt: Date | null;
  /** Held back before its start, until a resume. */
  readonly held: boolean;
  /** When it should have ended: later it is overdue, which nothing stops. */
  readonly dueAt: Date | null;
  /** When it must have ended: later it fails. */
  readonly deadlineAt: Date | null;
  readonly recurrence: Recurrence | null;
  /** The task of the same series before it; null for what was submitted. */
  readonly predecessorId: TaskId | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
}

export function readTask(row: TaskRow): TaskRecord {
  return {
    id: row.id as TaskId,
    tenant: row.tenant_id as TenantId,
    graphId: row.graph_id as GraphId,
    graph: row.graph_name,
    taskQueue: row.task_queue,
    title: row.title,
    status: row.status,
    priority: bandOfPriority(row.priority),
    user: row.user_id,
    key: row.idempotency_key,
    requestHash: row.request_hash,
    input: { json: asText(row.input), artifactId: row.input_artifact_id },
    output: { json: asText(row.output), artifactId: row.output_artifact_id },
    error: readFailure(row.error),
    fence: Number(row.fence),
    traceCount: row.trace_count,
    cancelRequested: row.cancel_requested_at !== null,
    startAt: readDateOrNull(row.start_after),
    held: row.held_at !== null,
    dueAt: readDateOrNull(row.due_date),
    deadlineAt: readDateOrNull(row.deadline_at),
    recurrence: row.recurrence === null ? null : readRecurrence(row.recurrence),
    predecessorId: row.predecessor_id as TaskId | null,
    createdAt: readDate(row.created_at),
    startedAt: readDateOrNull(row.started_at),
    completedAt: readDateOrNull(row.completed_at),
  };
}

/** A failure as a row keeps it; whatever else stands there is shown as it is. */
export function readFailure(value: unknown): Failure | null {
  if (!isJsonObject(value)) return null;
  const { code, message, node } = value;
  return {
    code: typeof code === 'string' ? code : 'task_failed',
    message: typeof message === 'string' ? message : JSON.stringify(value),
    ...(typeof node === 'string' ? { node } : {}),
  };
}

function asText(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}
