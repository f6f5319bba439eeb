import type { GraphDefinition } from '../graphs/definition.ts';
import type { GraphState } from '../graphs/graph-state.ts';
import type { Outcome } from '../graphs/kinds.ts';
import type { GraphId, TaskId, TenantId, TraceId } from '../ids.ts';
import type { ModelChoice } from '../models/model-messages.ts';
import type { RunPath } from '../traces/path.ts';
import type { SettledRunStatus } from '../traces/trace-status.ts';
import type { PriorityBand } from './priority.ts';
import type { TerminalTaskStatus } from './task-status.ts';

/** Identifies an execution of a task for every activity of its trace. */
export interface ExecutionRef {
  readonly tenant: TenantId;
  readonly taskId: TaskId;
  readonly traceId: TraceId;
  readonly traceNumber: number;
  readonly graphId: GraphId;
  /** The user of the task, or null. The user's next task may start when this one ends. */
  readonly user: string | null;
  /** The conversation of the task; absent where it has none. */
  readonly conversation?: string;
  /** The number of the claim, or of the leave after it. A write with an older one than the task's row is refused. */
  readonly fence: number;
  /** Which model its thinking runs call; absent where they call their own. */
  readonly models?: ModelChoice;
  /** The band of the task. Absent in executions of earlier releases. */
  readonly band?: PriorityBand;
}

/** The argument of the workflow `executeTask`: references and the plan, never the text of a task. */
export interface ExecuteTaskInput {
  readonly execution: ExecutionRef;
  readonly graphName: string;
  /** The graph without the parts that only activities need, see `planOf` in `domain/graphs/plan.ts`. */
  readonly plan: GraphDefinition;
  /** The task's deadline, at which it fails, in milliseconds since 1970; absent without one. */
  readonly deadlineAtMs?: number;
  /** Whether it starts paused, as a paused task does after its workflow was lost; otherwise absent. */
  readonly paused?: boolean;
  /** How PostgreSQL has it where it waited when its workflow was lost; otherwise absent. */
  readonly waits?: 'waiting_approval' | 'waiting_input';
  /** The rules that it follows until its end, see {@link EXECUTION_RULES}. Absent for the first ones. */
  readonly rules?: number;
  /** Carried over when the workflow continues as new; absent at the first start. */
  readonly carried?: CarriedState;
}

/**
 * The number of the rules for new workflows. A change of the order of a workflow's steps needs a new number, and
 * `workflows/tasks/` branches on the execution's number. Add numbers; never change the meaning of one. 2: a thinking run
 * that waits for a person rests where the history is long. 3: it is long from 3,600 events on, also where the server has not
 * said so.
 */
export const EXECUTION_RULES = 3;

/** The version of its graph that a task has moved to, with its plan. */
export interface MovedVersion extends Pick<ExecuteTaskInput, 'plan'> {
  readonly graphId: GraphId;
}

/** The state of `executeTask`. Anything else is lost when it continues as new. */
export interface ExecutionState {
  readonly graph: GraphState;
  readonly paused: boolean;
  /** Whether the pause is written to PostgreSQL, so that each change is written once. */
  readonly pauseWritten: boolean;
  /** Whether PostgreSQL says that the task waits. */
  readonly waitWritten: boolean;
  /** Whether it says that it waits for an input, and not for an approval. @defaultValue false */
  readonly inputWritten?: boolean;
  /** Quick runs that cannot be part of a stretch and get separate activities instead. */
  readonly unhosted: readonly RunPath[];
  /** Why the trace fails; null while it does not. */
  readonly failure: Failure | null;
  /** Runs that stand between two steps; only while the workflow continues as new. */
  readonly resting?: readonly RunPath[];
  /** Those of them that wait. */
  readonly asking?: readonly RunPath[];
}

/** The state as it is carried over. The first release carried only the graph and whether it is paused. */
export type CarriedState = Pick<ExecutionState, 'graph' | 'paused'> & Partial<ExecutionState>;

export interface ExecuteTaskResult {
  readonly taskId: TaskId;
  readonly status: TerminalTaskStatus;
  /** The end of each node, for readers of the workflow's result in the Web UI. */
  readonly nodes: Readonly<Record<string, string>>;
}

/** Why a task or a run failed: small facts, never a stack trace. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  /** The path of the run that failed. */
  readonly node?: RunPath;
}

/** The failure of a task whose deadline passes while it runs. */
export const DEADLINE_EXCEEDED: Failure = {
  code: 'deadline_exceeded',
  message: 'The task had not ended at its deadline.',
};

/** The end of one run. */
export interface NodeResult {
  /** The run's path. */
  readonly id: RunPath;
  readonly status: SettledRunStatus;
  readonly attempts: number;
  readonly outcome?: Outcome;
}

/** The id of the workflow that carries out one trace of a task. Ids are not encrypted: no personal data. */
export function taskWorkflowId(taskId: TaskId, traceNumber: number): string {
  return `${taskWorkflowPrefix(taskId)}${traceNumber}`;
}

/** The prefix of all workflow ids of a task; the trace's number follows, in decimal digits. */
export function taskWorkflowPrefix(taskId: TaskId): string {
  return `task/${taskId}/`;
}

/** The signal that tells a task's workflow that it is to move to another version of its graph. */
export const TASK_MOVING = 'taskMoving';

/** The signal after which a workflow looks at its budgets again: somebody gave more to one of them. It has no arguments. */
export const BUDGET_GRANTED_SIGNAL = 'budgetGranted';

/** The workflow that carries out many small tasks together. @param id a UUID of its own */
export function sharedWorkflowId(id: string): string {
  return `tasks/${id}`;
}
