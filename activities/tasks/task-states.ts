import type { ActivityDependencies } from '../dependencies.ts';
import { failing } from '../failure.ts';
import { type ClosingExecution, closeExecution } from './close-execution.ts';
import type { Ended } from './end-task.ts';
import { type ExecutionMove, moveExecution } from './move-execution.ts';

export type CloseTaskInput = ClosingExecution;
export type MarkTaskInput = ExecutionMove;

/** Writes the end of a task where its last node could not: see {@link closeExecution}. */
export function closeTask(deps: ActivityDependencies, input: CloseTaskInput): Promise<Ended> {
  return failing(() => closeExecution(deps, input));
}

/** Writes that a task was paused or resumed: see {@link moveExecution}. */
export function markTask(deps: ActivityDependencies, input: MarkTaskInput): Promise<void> {
  return failing(() => moveExecution(deps, input));
}
