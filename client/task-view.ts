import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TaskId } from '../domain/ids.ts';
import type { Json } from '../domain/json.ts';
import type { Failure } from '../domain/tasks/execution.ts';
import type { PriorityBand } from '../domain/tasks/priority.ts';
import type { TaskStatus } from '../domain/tasks/status.ts';
import { taskWorkflowId } from '../domain/tasks/workflow-id.ts';
import type { TraceEventType } from '../domain/traces/events.ts';
import type { RunStatus, TraceStatus } from '../domain/traces/status.ts';
import { TaskRepository } from '../entities/tasks/task-repository.ts';
import { ArtifactRepository } from '../entities/traces/artifact-repository.ts';
import { RunRepository } from '../entities/traces/run-repository.ts';
import { type TraceRecord, TraceRepository } from '../entities/traces/trace-repository.ts';

/** One run as a reader sees it. */
export interface RunView {
  readonly nodeId: string;
  readonly agent: string;
  readonly status: RunStatus;
  readonly attempts: number;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** A task with all that is known of it. */
export interface TaskView {
  readonly task: {
    readonly id: TaskId;
    readonly tenant: string;
    readonly graph: string;
    readonly title: string;
    readonly status: TaskStatus;
    readonly priority: PriorityBand;
    readonly user: string | null;
    readonly key: string | null;
    readonly workflowId: string;
    readonly createdAt: Date;
    readonly startedAt: Date | null;
    readonly completedAt: Date | null;
    readonly error: Failure | null;
  };
  readonly traces: readonly {
    readonly id: string;
    readonly number: number;
    readonly status: TraceStatus;
    readonly workflowId: string;
    readonly startedAt: Date;
    readonly finishedAt: Date | null;
    readonly runs: readonly RunView[];
    readonly events: readonly { seq: number; type: TraceEventType; nodeId: string | null; data: Json; at: Date }[];
  }[];
  /** Null until the task is completed. */
  readonly output: Json;
}

/** No trace has more events than this: 200 nodes, 4 attempts each, pauses aside. */
const EVENTS_AT_MOST = 10_000;

/** Reads a task whole, in the caller's transaction; null when there is none. */
export async function readView(em: SqlEntityManager, id: TaskId): Promise<TaskView | null> {
  const task = await new TaskRepository(em).find(id);
  if (task === null) return null;
  const { tenant, graph, title, status, priority, user, key, createdAt, startedAt, completedAt, error } = task;
  const workflowId = taskWorkflowId(id, Math.max(1, task.traceCount));
  const traces = [];
  for (const trace of await new TraceRepository(em).list(id)) traces.push(await readTrace(em, trace));
  const loaded = await new ArtifactRepository(em).load(new Map([['output', task.output]]));
  return {
    task: {
      id,
      tenant,
      graph,
      title,
      status,
      priority,
      user,
      key,
      workflowId,
      createdAt,
      startedAt,
      completedAt,
      error,
    },
    traces,
    output: loaded.get('output') ?? null,
  };
}

async function readTrace(em: SqlEntityManager, trace: TraceRecord): Promise<TaskView['traces'][number]> {
  const { id, number, status, workflowId, createdAt, finishedAt } = trace;
  const runs = await new RunRepository(em).list(id);
  const events = await new TraceRepository(em).events(id, 0, EVENTS_AT_MOST);
  return {
    id,
    number,
    status,
    workflowId,
    startedAt: createdAt,
    finishedAt,
    runs: runs.map(({ kind: _kind, outcome: _outcome, output: _output, ...run }) => run),
    events,
  };
}
