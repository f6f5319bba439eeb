import type { GraphDefinition } from '../graphs/definition.ts';
import type { GraphState } from '../graphs/graph-state.ts';
import type { Outcome } from '../graphs/kinds.ts';
import type { GraphId, TaskId, TenantId, TraceId } from '../ids.ts';
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
  /** Carried over whole when the workflow continues as new; absent at the first start. */
  readonly carried?: CarriedState;
}

/** Everything that `executeTask` must remember. */
export interface CarriedState {
  readonly graph: GraphState;
  readonly paused: boolean;
}

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
  readonly node?: string;
}

/** How one node ended. */
export interface NodeResult {
  readonly id: string;
  readonly status: SettledRunStatus;
  readonly attempts: number;
  readonly outcome?: Outcome;
}
