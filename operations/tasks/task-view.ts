import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TaskId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import type { Cause } from '../../domain/tasks/cause.ts';
import { taskWorkflowId } from '../../domain/tasks/execution.ts';
import { isOpenTaskStatus } from '../../domain/tasks/task-status.ts';
import { BudgetLimitRepository } from '../../entities/budgets/budget-limit-repository.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { ArtifactRepository } from '../../entities/traces/artifact-repository.ts';
import { TraceRepository } from '../../entities/traces/trace-repository.ts';
import { type ChildOf, ChildRepository } from '../../entities/waits/child-repository.ts';
import { type BudgetView, budgetOfTask } from '../budgets/view.ts';
import { readThinking, sumOf, type UsageView } from '../thinking/steps-view.ts';
import { type ForkOriginView, type ForkView, forksView } from '../traces/fork-view.ts';
import { readWaits } from '../waits/read-waits.ts';
import { readHoldUp } from './held-up.ts';
import { startOf } from './run-inputs.ts';
import { readTrace, type TraceView } from './trace-view.ts';

/** A task with all that is known of it. */
export interface TaskView {
  readonly task: Pick<TaskRecord, keyof ReturnType<typeof factsOf>> & {
    readonly workflowId: string;
    /** What it waits for that nobody does at this moment, as in "waits for …"; null for a task that can move. */
    readonly waitsFor: string | null;
  };
  /** The beginning of its input as JSON, 2,000 characters at most; null where it is an artifact. */
  readonly inputStart: string | null;
  readonly traces: readonly TraceView[];
  /** What its models used in all of its traces that are kept. */
  readonly usage: UsageView;
  /** Null until the task is completed. */
  readonly output: Json;
  /** Whether retention has removed traces of the task, or its output. The task's end stands all the same. */
  readonly pruned: { readonly traces: boolean; readonly output: boolean };
  /** From where it continues; null for a task that is no fork. */
  readonly origin: ForkOriginView | null;
  /** The tasks that continue it, the oldest 100. */
  readonly forks: readonly ForkView[];
  /** What it may spend and has spent; null without a budget of its own. */
  readonly budget: BudgetView | null;
  /** The run of another task that waits, or waited, for it; null for most tasks. */
  readonly parent: ChildOf | null;
}

/** Reads a task whole, in the caller's transaction; null when there is none. */
export async function readView(em: SqlEntityManager, id: TaskId): Promise<TaskView | null> {
  const task = await new TaskRepository(em).find(id);
  if (task === null) return null;
  const traces = [];
  const thinking = await readThinking(em, task);
  for (const trace of await new TraceRepository(em).list(id))
    traces.push(await readTrace(em, trace, { task, thinking }));
  const workflowId = traces.at(-1)?.workflowId ?? taskWorkflowId(id, Math.max(1, task.traceCount));
  const loaded = await new ArtifactRepository(em).load(new Map([['output', task.output]]), { missing: 'null' });
  const output = loaded.get('output') ?? null;
  // What is in an artifact is long, and never null itself.
  const isOutputGone = output === null && task.output.artifactId !== null;
  const heldUp = (await readHoldUp(em, task)) ?? (await firstWait(em, task));
  const waitsFor = heldUp?.waitsFor ?? null;
  return {
    task: { ...factsOf(task), workflowId, waitsFor },
    inputStart: startOf(task.input),
    traces,
    usage: sumOf(traces.map(({ usage }) => usage)),
    output,
    pruned: { traces: traces.length < task.traceCount, output: isOutputGone },
    ...(await forksView(em, task)),
    budget: await budgetOfTask(new BudgetLimitRepository(em), id),
    parent: await new ChildRepository(em).parentOf(id),
  };
}

async function firstWait(em: SqlEntityManager, task: TaskRecord): Promise<Cause | null> {
  return isOpenTaskStatus(task.status) ? ((await readWaits(em, task))[0] ?? null) : null;
}

function factsOf(task: TaskRecord) {
  const { id, tenant, graph, title, status, priority, user, conversation, key, error } = task;
  const { createdAt, startAt, dueAt, deadlineAt, recurrence, predecessorId, actsFor, startedAt, completedAt } = task;
  return {
    ...{ id, tenant, graph, title, status, priority, user, conversation, key },
    ...{ createdAt, startAt, dueAt, deadlineAt, recurrence, predecessorId, actsFor, startedAt, completedAt, error },
  };
}
