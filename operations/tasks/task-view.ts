import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { missingHost } from '../../domain/agents/hosting.ts';
import type { TaskId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import type { Failure } from '../../domain/tasks/execution.ts';
import type { PriorityBand } from '../../domain/tasks/priority.ts';
import type { Recurrence } from '../../domain/tasks/recurrence.ts';
import type { TaskStatus } from '../../domain/tasks/task-status.ts';
import { taskWorkflowId } from '../../domain/tasks/workflow-id.ts';
import type { TraceEventType } from '../../domain/traces/events.ts';
import { nodeOfPath, type RunPath } from '../../domain/traces/path.ts';
import type { RunStatus, TraceStatus } from '../../domain/traces/trace-status.ts';
import { HostingRepository } from '../../entities/agents/hosting-repository.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { ArtifactRepository } from '../../entities/traces/artifact-repository.ts';
import { RunRepository } from '../../entities/traces/run-repository.ts';
import { type TraceRecord, TraceRepository } from '../../entities/traces/trace-repository.ts';

/** One run as a reader sees it. */
export interface RunView {
  /** The node's id in its graph. */
  readonly nodeId: string;
  /** Where the run stands in its trace: `draft`, `each[3]/draft`. The node's id for a node of the task's own graph. */
  readonly path: RunPath;
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
    /** Not to be started before; null for at once. */
    readonly startAt: Date | null;
    /** When it should have ended. */
    readonly dueAt: Date | null;
    /** When it must have ended. */
    readonly deadlineAt: Date | null;
    /** How it repeats; null for a task that does not. */
    readonly recurrence: Recurrence | null;
    /** The task of the same series before it. */
    readonly predecessorId: TaskId | null;
    readonly startedAt: Date | null;
    readonly completedAt: Date | null;
    readonly error: Failure | null;
    /** What it waits for that nobody does at this moment, as in "waits for …"; null for a task that can move. */
    readonly waitsFor: string | null;
  };
  readonly traces: readonly {
    readonly id: string;
    readonly number: number;
    readonly status: TraceStatus;
    readonly workflowId: string;
    /** The trace that failed before the task was redriven; null for a task's first trace. */
    readonly originTraceId: string | null;
    readonly startedAt: Date;
    readonly finishedAt: Date | null;
    readonly runs: readonly RunView[];
    readonly events: readonly {
      seq: number;
      type: TraceEventType;
      nodeId: string | null;
      path: RunPath | null;
      data: Json;
      at: Date;
    }[];
  }[];
  /** Null until the task is completed. */
  readonly output: Json;
  /** Whether retention has removed traces of the task, or its output. The task's end stands all the same. */
  readonly pruned: { readonly traces: boolean; readonly output: boolean };
}

/** Of a trace with more events than twice this, which only pauses and losses without end make, the middle is left out. */
const EVENTS_AT_EACH_END = 5_000;

/** Reads a task whole, in the caller's transaction; null when there is none. */
export async function readView(em: SqlEntityManager, id: TaskId): Promise<TaskView | null> {
  const task = await new TaskRepository(em).find(id);
  if (task === null) return null;
  const workflowId = taskWorkflowId(id, Math.max(1, task.traceCount));
  const traces = [];
  for (const trace of await new TraceRepository(em).list(id)) traces.push(await readTrace(em, trace));
  const loaded = await new ArtifactRepository(em).load(new Map([['output', task.output]]), { missing: 'null' });
  const output = loaded.get('output') ?? null;
  // What is in an artifact is long, and never null itself.
  const isOutputGone = output === null && task.output.artifactId !== null;
  return {
    task: { ...factsOf(task), workflowId, waitsFor: await readWaitsFor(em, task) },
    traces,
    output,
    pruned: { traces: traces.length < task.traceCount, output: isOutputGone },
  };
}

async function readWaitsFor(em: SqlEntityManager, { id, status, held }: TaskRecord): Promise<string | null> {
  if (status === 'paused' || held) return 'a resume: it is paused';
  if (status === 'blocked') return 'the tasks that it depends on';
  if (status === 'deferred') return 'its time';
  const hosting = new HostingRepository(em);
  const needs = await hosting.needsOf(id);
  return needs === null ? null : missingHost(needs, await hosting.workers());
}

function factsOf(task: TaskRecord): Omit<TaskView['task'], 'workflowId' | 'waitsFor'> {
  const { id, tenant, graph, title, status, priority, user, key, error } = task;
  const { createdAt, startAt, dueAt, deadlineAt, recurrence, predecessorId, startedAt, completedAt } = task;
  return {
    ...{ id, tenant, graph, title, status, priority, user, key },
    ...{ createdAt, startAt, dueAt, deadlineAt, recurrence, predecessorId, startedAt, completedAt, error },
  };
}

async function readTrace(em: SqlEntityManager, trace: TraceRecord): Promise<TaskView['traces'][number]> {
  const { id, number, status, workflowId, originTraceId, createdAt, finishedAt } = trace;
  const runs = await new RunRepository(em).list(id);
  const traces = new TraceRepository(em);
  const events = await traces.events(id, 0, EVENTS_AT_EACH_END);
  const later = Math.max(EVENTS_AT_EACH_END, trace.lastSeq - EVENTS_AT_EACH_END);
  if (trace.lastSeq > EVENTS_AT_EACH_END) events.push(...(await traces.events(id, later, EVENTS_AT_EACH_END)));
  return {
    id,
    number,
    status,
    workflowId,
    originTraceId,
    startedAt: createdAt,
    finishedAt,
    runs: runs.map(({ kind: _kind, outcome: _outcome, output: _output, nodeId: path, ...run }) => {
      return { ...run, nodeId: nodeOfPath(path), path };
    }),
    events: events.map(({ nodeId: path, ...event }) => ({ ...event, nodeId: path && nodeOfPath(path), path })),
  };
}
