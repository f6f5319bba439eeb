import type { GraphDefinition } from '../graphs/definition.ts';
import type { GraphState } from '../graphs/graph-state.ts';
import type { Outcome } from '../graphs/kinds.ts';
import type { GraphId, TaskId, TenantId, TraceId } from '../ids.ts';
import type { RunPath } from '../traces/path.ts';
import type { SettledRunStatus } from '../traces/trace-status.ts';
import type { PriorityBand } from './priority.ts';
import type { TerminalTaskStatus } from './task-status.ts';

/** Which execution of which task: what every activity of a trace is told. */
export interface ExecutionRef {
  readonly tenant: TenantId;
  readonly taskId: TaskId;
  readonly traceId: TraceId;
  readonly traceNumber: number;
  readonly graphId: GraphId;
  /** On whose behalf; null for nobody's. The user's next task may go when this one ends. */
  readonly user: string | null;
  /** The claim's number. A write that carries an older one than the task's row is refused. */
  readonly fence: number;
  /** The band of the task. Absent in executions that an earlier release began. */
  readonly band?: PriorityBand;
}

/** The argument of the workflow `executeTask`: references and the plan, never a task's text. */
export interface ExecuteTaskInput {
  readonly execution: ExecutionRef;
  readonly graphName: string;
  /** The graph without what only activities need, see `planOf` in `domain/graphs/plan.ts`. */
  readonly plan: GraphDefinition;
  /** When the task fails although it still runs, in milliseconds since 1970; absent without a deadline. */
  readonly deadlineAtMs?: number;
  /** Whether it starts paused, as a paused task does whose workflow was lost; absent where it starts at once. */
  readonly paused?: boolean;
  /** The rules that it keeps to until its end, see {@link EXECUTION_RULES}. Absent: the first ones. */
  readonly rules?: number;
  /** Carried over whole when the workflow continues as new; absent at the first start. */
  readonly carried?: CarriedState;
}

/**
 * The number of the rules by which workflows begin now. A change of the order of a workflow's steps is a new number, and
 * `workflows/tasks/` branches on the execution's own. Add a number here, never change what one means.
 */
export const EXECUTION_RULES = 1;

/** Everything that `executeTask` must remember: what is not in here is lost when it continues as new. */
export interface ExecutionState {
  readonly graph: GraphState;
  readonly paused: boolean;
  /** Whether PostgreSQL has been told of the pause, so that each change is written once. */
  readonly pauseWritten: boolean;
  /** Quick runs that cannot be part of a stretch, and are activities of their own instead. */
  readonly unhosted: readonly RunPath[];
  /** Why the trace fails; null while it does not. */
  readonly failure: Failure | null;
}

/** The state as it is carried over. The first release left out all but the graph and whether it is paused. */
export type CarriedState = Pick<ExecutionState, 'graph' | 'paused'> & Partial<ExecutionState>;

export interface ExecuteTaskResult {
  readonly taskId: TaskId;
  readonly status: TerminalTaskStatus;
  /** What became of each node, for whoever reads the workflow's result in the Web UI. */
  readonly nodes: Readonly<Record<string, string>>;
}

/** Why a task or a run failed: small facts, never a stack trace. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  /** The path of the run that failed. */
  readonly node?: RunPath;
}

/** How one run ended. */
export interface NodeResult {
  /** The run's path. */
  readonly id: RunPath;
  readonly status: SettledRunStatus;
  readonly attempts: number;
  readonly outcome?: Outcome;
}
