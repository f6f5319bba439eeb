import type { TaskBudgetOptions } from '../../domain/budgets/amounts.ts';
import type { TaskId, TraceId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { ModelChoice } from '../../domain/models/model-messages.ts';
import type { PriorityBand } from '../../domain/tasks/priority.ts';
import type { TaskStatus } from '../../domain/tasks/task-status.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import type { ForkCost } from './fork-price.ts';

/** How a task is forked. */
export interface ForkOptions extends ModelChoice {
  /** Which trace of the task is forked, from 1. @defaultValue the newest */
  readonly trace?: number;
  /** The task input of all that runs again. @defaultValue that of the task */
  readonly input?: JsonObject;
  /** The version of the graph that the fork runs. @defaultValue that of the trace */
  readonly version?: number;
  /** As in a submit: a repetition under the same key finds the first fork, also when the task that was forked is gone. */
  readonly key?: string;
  /** @defaultValue that of the task */
  readonly title?: string;
  /** @defaultValue that of the task */
  readonly priority?: PriorityBand;
  /** What the fork may spend: it has no part in the budget of the task that is forked. @defaultValue no limit */
  readonly budget?: TaskBudgetOptions;
  /** `repeat` agrees that effects are made again that the task has recorded and that runs make which run again. */
  readonly effects?: 'repeat';
  /** Agrees to the price: the `consent` that a dry run, or the refusal, has named for it. */
  readonly consent?: string;
  /** Only say what would be taken over, what would run again, and for which price. @defaultValue false */
  readonly dryRun?: boolean;
}

export interface ForkInput extends ForkOptions {
  readonly id: string;
  /** `PATH`, or `PATH#STEP` for a thinking run. */
  readonly at: string;
}

/** What was forked, or would be. */
export interface ForkReport {
  readonly dryRun: boolean;
  /** The new task; null in a dry run. */
  readonly taskId: TaskId | null;
  readonly status: TaskStatus | null;
  /**
   * Whether the key was known: nothing was written, and this is the task of the first fork. Then `takenOver` is what that one
   * has taken over, and nothing is said of what would run and cost.
   */
  readonly duplicate: boolean;
  readonly origin: { readonly taskId: TaskId; readonly traceId: TraceId; readonly trace: number; readonly at: string };
  readonly takenOver: readonly RunPath[];
  readonly again: readonly RunPath[];
  /** Nodes that may run for the first time, as paths without numbers. */
  readonly further: readonly RunPath[];
  readonly cost: ForkCost;
  /** The keys of recorded effects that runs make again which run again. */
  readonly effects: readonly string[];
  /** A sentence for each thing that is taken over although it might have been otherwise. */
  readonly warnings: readonly string[];
  /** What agrees to this price; null where nothing can be spent. */
  readonly consent: string | null;
}
