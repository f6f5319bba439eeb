import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TaskId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import { taskWorkflowId } from '../../domain/tasks/execution.ts';
import { nodeOfPath, type RunPath } from '../../domain/traces/path.ts';
import type { TraceStatus } from '../../domain/traces/trace-status.ts';
import { BudgetLimitRepository } from '../../entities/budgets/budget-limit-repository.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { ThinkingRepository } from '../../entities/thinking/thinking-repository.ts';
import { ArtifactRepository } from '../../entities/traces/artifact-repository.ts';
import { type RunRecord, RunRepository } from '../../entities/traces/run-repository.ts';
import { type TraceEventRecord, type TraceRecord, TraceRepository } from '../../entities/traces/trace-repository.ts';
import { type BudgetView, budgetOfTask } from '../budgets/view.ts';
import { type StepView, stepsOf, sumOf, type UsageView } from '../thinking/steps-view.ts';
import { readHoldUp } from './held-up.ts';

/** One run as a reader sees it. */
export interface RunView extends Omit<RunRecord, 'kind' | 'outcome' | 'output'> {
  /** The node's id in its graph. */
  readonly nodeId: string;
  /** Where the run stands in its trace: `draft`, `each[3]/draft`. The node's id for a node of the task's own graph. */
  readonly path: RunPath;
}

/** A task with all that is known of it. */
export interface TaskView {
  readonly task: Pick<TaskRecord, keyof ReturnType<typeof factsOf>> & {
    readonly workflowId: string;
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
    /** The steps of its thinking runs, by path and number. */
    readonly steps: readonly StepView[];
    readonly usage: UsageView;
    readonly events: readonly (TraceEventRecord & { readonly path: RunPath | null })[];
  }[];
  /** What its models used in all of its traces that are kept. */
  readonly usage: UsageView;
  /** Null until the task is completed. */
  readonly output: Json;
  /** Whether retention has removed traces of the task, or its output. The task's end stands all the same. */
  readonly pruned: { readonly traces: boolean; readonly output: boolean };
  /** What it may spend and has spent; null without a budget of its own. */
  readonly budget: BudgetView | null;
}

/** Of a trace with more events than twice this, which only pauses and losses without end make, the middle is left out. */
const EVENTS_AT_EACH_END = 5_000;

/** Reads a task whole, in the caller's transaction; null when there is none. */
export async function readView(em: SqlEntityManager, id: TaskId): Promise<TaskView | null> {
  const task = await new TaskRepository(em).find(id);
  if (task === null) return null;
  const traces = [];
  const thinking = await new ThinkingRepository(em).ofTask(id);
  for (const trace of await new TraceRepository(em).list(id)) traces.push(await readTrace(em, trace, thinking));
  const workflowId = traces.at(-1)?.workflowId ?? taskWorkflowId(id, Math.max(1, task.traceCount));
  const loaded = await new ArtifactRepository(em).load(new Map([['output', task.output]]), { missing: 'null' });
  const output = loaded.get('output') ?? null;
  // What is in an artifact is long, and never null itself.
  const isOutputGone = output === null && task.output.artifactId !== null;
  return {
    task: { ...factsOf(task), workflowId, waitsFor: (await readHoldUp(em, task))?.waitsFor ?? null },
    traces,
    usage: sumOf(traces.map(({ usage }) => usage)),
    output,
    pruned: { traces: traces.length < task.traceCount, output: isOutputGone },
    budget: await budgetOfTask(new BudgetLimitRepository(em), id),
  };
}

function factsOf(task: TaskRecord) {
  const { id, tenant, graph, title, status, priority, user, conversation, key, error } = task;
  const { createdAt, startAt, dueAt, deadlineAt, recurrence, predecessorId, actsFor, startedAt, completedAt } = task;
  return {
    ...{ id, tenant, graph, title, status, priority, user, conversation, key },
    ...{ createdAt, startAt, dueAt, deadlineAt, recurrence, predecessorId, actsFor, startedAt, completedAt, error },
  };
}

async function readTrace(
  em: SqlEntityManager,
  trace: TraceRecord,
  thinking: Parameters<typeof stepsOf>[1],
): Promise<TaskView['traces'][number]> {
  const steps = stepsOf(trace.id, thinking);
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
    runs: inOrder(runs, events).map(({ kind: _kind, outcome: _outcome, output: _output, nodeId: path, ...run }) => {
      return { ...run, nodeId: nodeOfPath(path), path };
    }),
    steps,
    usage: sumOf(steps),
    events: events.map(({ nodeId: path, ...event }) => ({ ...event, nodeId: path && nodeOfPath(path), path })),
  };
}

/** In the order of their beginnings; within a millisecond, in the order of their events. */
function inOrder(runs: readonly RunRecord[], events: readonly TraceEventRecord[]): RunRecord[] {
  const began = new Map(events.toReversed().map(({ nodeId, seq }) => [nodeId, seq]));
  const millisecond = ({ startedAt }: RunRecord) => startedAt?.getTime() ?? Number.POSITIVE_INFINITY;
  return runs.toSorted(
    (one, other) =>
      millisecond(one) - millisecond(other) || (began.get(one.nodeId) ?? 0) - (began.get(other.nodeId) ?? 0),
  );
}
