import type { Outcome } from '../../domain/graphs/kinds.ts';
import type { TraceId } from '../../domain/ids.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { ExecutionRef, Failure } from '../../domain/tasks/execution.ts';
import type { TaskStatus, TerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import type { TraceEventType } from '../../domain/traces/events.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import type { SettledRunStatus } from '../../domain/traces/trace-status.ts';
import type { StoredValue } from '../../entities/traces/artifact-repository.ts';

/** Which node, as the row of its run names it. */
export interface RunSubject {
  readonly nodeId: string;
  readonly agent: string;
  readonly kind: string;
}

/** Why an attempt or a run failed. */
export interface RunError {
  readonly code: string;
  readonly message: string;
}

/** Which attempt of which activity begins a run, and where. */
export interface AttemptNote {
  /** The workflow's run. After a reset, or after Temporal lost its data, the same node is begun from another one. */
  readonly workflowRun: string;
  /** The activity's attempt within it. It begins at 1 again where somebody resets the activity or restores Temporal. */
  readonly activityAttempt: number;
  /** The process that begins it. */
  readonly process: string;
}

/** An attempt that never reported an end, and the process that ran it. */
export interface LostAttempt {
  readonly number: number;
  readonly process: string | null;
}

/**
 * How a run stands when an attempt comes to it. `begun`: the handler is to be called. `settled`: the run has ended
 * before, the attempt repeats its end; `taskStatus` tells whether the task has ended with it. `waiting`: the run waits for
 * its next attempt, so much longer. `overtaken`: another attempt has the run, this one may come again. `stale`: the task
 * has ended otherwise or was claimed anew, no attempt may continue.
 */
export type RunBeginning =
  | {
      readonly kind: 'begun';
      /** The attempt's number, by which all that follows is written. */
      readonly number: number;
      /** Whether this is the first attempt ever. */
      readonly first: boolean;
      /** Attempts that the handler failed so far. */
      readonly failures: number;
      /** Attempts that never reported an end. */
      readonly crashes: number;
      /** How long the run has waited for limits, in milliseconds. */
      readonly limitWaitMs: number;
      /** Whether the task has a deadline, which ends every wait for a limit. */
      readonly hasDeadline: boolean;
      /** The attempt before this one, when this one found it without an end. */
      readonly lost: LostAttempt | null;
    }
  | {
      readonly kind: 'settled';
      readonly status: SettledRunStatus;
      readonly attempts: number;
      readonly outcome: Outcome | null;
      readonly error: RunError | null;
      readonly taskStatus: TaskStatus;
    }
  | { readonly kind: 'waiting'; readonly waitMs: number }
  | { readonly kind: 'overtaken' }
  | { readonly kind: 'stale' };

/** An attempt of a run, by the number that its beginning gave it. */
export interface RunAttempt {
  readonly traceId: TraceId;
  readonly nodeId: string;
  readonly number: number;
}

/** The end of a run. */
export interface RunEnd extends RunSubject {
  readonly status: SettledRunStatus;
  readonly attempts: number;
  readonly failures: number;
  readonly outcome: Outcome | null;
  readonly output: StoredValue;
  /** The run of the trace that keeps the output for this one; then nothing is stored as `output`. Default: none. */
  readonly outputOf?: RunPath;
  readonly error: RunError | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date;
}

/** A run whose attempt failed and that another one will follow. */
export interface RunWait extends Omit<RunEnd, 'status' | 'finishedAt'> {
  readonly status: 'pending';
  readonly finishedAt: null;
  readonly waitMs: number;
}

/** A run that stays open and is not an attempt of a handler: a container, while its inner graphs run. */
export interface RunOpened extends Omit<RunEnd, 'status' | 'finishedAt'> {
  readonly status: 'running';
  readonly finishedAt: null;
}

/** The row of a run as it is left: ended, or open. */
export type RunLeft = RunEnd | RunWait | RunOpened;

/** An event before it has its place in the trace. */
export interface NewTraceEvent {
  readonly type: TraceEventType;
  readonly nodeId?: string;
  readonly data?: Json;
  /** Default: when it is written. */
  readonly at?: Date;
}

/** How a task is to end, before its output is stored. */
export interface NotedEnd {
  readonly status: TerminalTaskStatus;
  readonly failure: Failure | null;
  /** The output of a completed task, and the name of its artifact where it is large; null for any other end. */
  readonly output: { readonly name: string; readonly value: Json } | null;
  /** A short text that represents the output in lists. */
  readonly reply: string;
  /** How it was decided who answers, where the output says so. */
  readonly router?: JsonObject | undefined;
}

/** How a task ends. */
export interface TaskEnd {
  readonly execution: ExecutionRef;
  readonly status: TerminalTaskStatus;
  readonly failure: Failure | null;
  readonly output: StoredValue;
  /** A short text that represents the output in lists. */
  readonly reply: string;
  /** How it was decided who answers, where the output says so. */
  readonly router?: JsonObject | undefined;
}

/** The state of a task after an attempt to end it. */
export interface StandingEnd {
  readonly status: TerminalTaskStatus;
  readonly failure: Failure | null;
  /** Whether this attempt ended it; false when it had ended before. */
  readonly isNew: boolean;
}
