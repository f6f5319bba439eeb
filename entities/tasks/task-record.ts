import type { Selectable } from 'kysely';
import type { GraphId, TaskId, TenantId } from '../../domain/ids.ts';
import { isJsonObject } from '../../domain/json.ts';
import type { Failure } from '../../domain/tasks/execution.ts';
import { bandOfPriority, type PriorityBand } from '../../domain/tasks/priority.ts';
import { type Recurrence, readRecurrence } from '../../domain/tasks/recurrence.ts';
import { isWaitingTaskStatus, type TaskStatus } from '../../domain/tasks/task-status.ts';
import type { Tables } from '../tables.ts';
import type { StoredValue } from '../traces/artifact-repository.ts';

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
  /** The conversation that it belongs to; null for none. */
  readonly conversation: string | null;
  readonly key: string | null;
  readonly requestHash: string;
  readonly input: StoredValue;
  readonly output: StoredValue;
  readonly error: Failure | null;
  readonly fence: number;
  /** How many traces the task has had; 0 before its first start. */
  readonly traceCount: number;
  /** Not to be started before; null for at once. */
  readonly startAt: Date | null;
  /** Held back before its start, until a resume. */
  readonly held: boolean;
  /** When it should have ended: later it is overdue, which nothing stops. */
  readonly dueAt: Date | null;
  /** When it must have ended: later it fails. */
  readonly deadlineAt: Date | null;
  /** How it repeats; null for a task that does not. */
  readonly recurrence: Recurrence | null;
  /** The task of the same series before it; null for what was submitted. */
  readonly predecessorId: TaskId | null;
  /** The agents whose tools spawned it, at any depth: its agents may do what all of these may. */
  readonly actsFor: readonly string[];
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
}

export function readTask(task: Selectable<Tables['tasks']>): TaskRecord {
  return {
    id: task.id,
    tenant: task.tenantId,
    graphId: task.graphId,
    graph: task.graphName,
    taskQueue: task.taskQueue,
    title: task.title,
    status: task.status,
    priority: bandOfPriority(task.priority),
    user: task.userId,
    conversation: task.conversation,
    key: task.idempotencyKey,
    requestHash: task.requestHash,
    input: { json: asText(task.input), artifactId: task.inputArtifactId },
    output: { json: asText(task.output), artifactId: task.outputArtifactId },
    error: readFailure(task.error),
    fence: task.fence,
    traceCount: task.traceCount,
    startAt: task.startAfter,
    held: task.heldAt !== null && isWaitingTaskStatus(task.status),
    dueAt: task.dueDate,
    deadlineAt: task.deadlineAt,
    recurrence: readRecurrence(task.recurrence),
    predecessorId: task.predecessorId,
    actsFor: task.actsFor ?? [],
    createdAt: task.createdAt,
    startedAt: task.startedAt,
    completedAt: task.completedAt,
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
