import { allHandlersFinished, condition, continueAsNew } from '@temporalio/workflow';
import { startGraph } from '../../domain/graphs/graph-state.ts';
import type {
  ExecuteTaskInput,
  ExecuteTaskResult,
  ExecutionState,
  MovedVersion,
} from '../../domain/tasks/execution.ts';
import { moveActivity } from '../activities.ts';
import { isLong } from './long-history.ts';
import type { StepGate } from './step-gate.ts';

/**
 * Continues as new where nothing is under way: under the version that the task moves to, or with all that is carried over.
 * Returns where it was told to move, does not, and has no other reason.
 */
export function continueExecution(input: ExecuteTaskInput, state: ExecutionState, gate: StepGate): Promise<void> {
  return nextInput(input, state, gate).then((next) => {
    gate.move(false);
    if (next !== null) return continueAsNew<(input: ExecuteTaskInput) => Promise<ExecuteTaskResult>>(next);
  });
}

async function nextInput(
  input: ExecuteTaskInput,
  state: ExecutionState,
  { resting, asking, isMoving }: StepGate,
): Promise<ExecuteTaskInput | null> {
  await condition(allHandlersFinished);
  const moved = isMoving ? await moveActivity().moveToVersion({ execution: input.execution }) : null;
  if (moved !== null) return movedInput(input, state, moved);
  if (resting.length > 0) return { ...input, carried: { ...state, resting, asking } };
  return isLong(input.rules ?? 1) ? { ...input, carried: state } : null;
}

/** From its beginning, where each run that has ended, or waits, is found in its row. What PostgreSQL has of its status stays. */
function movedInput(
  { execution, ...input }: ExecuteTaskInput,
  { paused, pauseWritten, waitWritten, inputWritten }: ExecutionState,
  { graphId, plan }: MovedVersion,
): ExecuteTaskInput {
  const written = { pauseWritten, waitWritten, ...(inputWritten === undefined ? {} : { inputWritten }) };
  const carried = { graph: startGraph(plan), paused, ...written, unhosted: [], failure: null };
  return { ...input, execution: { ...execution, graphId }, plan, carried };
}
