import { StaleFence } from '../../capabilities/capability-errors.ts';
import { WriteRefused } from '../../database/database-errors.ts';
import { errorMessage, isFinalError } from '../../domain/errors.ts';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import type { GraphState } from '../../domain/graphs/graph-state.ts';
import { storableText } from '../../domain/json.ts';
import type { ExecutionRef, Failure } from '../../domain/tasks/execution.ts';
import type { TerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import { NOTHING_STORED } from '../../entities/traces/artifact-repository.ts';
import { RunRepository } from '../../entities/traces/run-repository.ts';
import { recording } from '../../operations/record/recording.ts';
import { endEvents, unfinishedRuns } from '../../operations/record/unfinished-runs.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { toFailure } from '../failure.ts';
import { type Ended, endTask } from './end-task.ts';

export interface CloseTaskInput {
  readonly execution: ExecutionRef;
  /** The graph's last state: what of it is not in the rows yet is written now. */
  readonly graph: GraphState;
  readonly status: TerminalTaskStatus;
  readonly failure: Failure | null;
}

/**
 * Writes the end of a task that its last node could not write: a failure, a cancel, or nodes that ended side by side.
 * One transaction; repeating it returns the end that stands. A task whose graph cannot be read any more, or whose record
 * PostgreSQL refuses, ends all the same, as failed, with the runs that it has.
 */
export async function closeTask(deps: ActivityDependencies, input: CloseTaskInput): Promise<Ended> {
  try {
    const graph = await readGraph(deps, input.execution);
    const ended = 'fault' in graph ? await closeRow(deps, input, graph.fault) : await closeWhole(deps, input, graph);
    deps.taskEnded(input.execution, ended.status);
    return ended;
  } catch (error) {
    throw toFailure(error);
  }
}

/** What PostgreSQL refuses, it refuses again: then the row alone ends, and with that as the reason if it has none, or a refused one. */
function closeWhole(deps: ActivityDependencies, input: CloseTaskInput, definition: GraphDefinition): Promise<Ended> {
  return close(deps, input, definition).catch((error: unknown) => {
    if (!(error instanceof WriteRefused)) throw error;
    const { code, message } = error;
    deps.log.error({ taskId: input.execution.taskId, error: message }, 'the end of a task was recorded only in part');
    const fault = { code, message: storableText(message) };
    return closeRow(deps, input, fault).catch((refusal: unknown) => {
      if (!(refusal instanceof WriteRefused)) throw refusal;
      return closeRow(deps, { ...input, failure: null }, fault);
    });
  });
}

function close(deps: ActivityDependencies, input: CloseTaskInput, definition: GraphDefinition): Promise<Ended> {
  const { execution, status, failure } = input;
  return recording({ units: deps.database, log: deps.log }, execution.tenant, async (unit) => {
    const known = await new RunRepository(unit.em).list(execution.traceId);
    const missing = unfinishedRuns(definition, { status, failure, nodes: input.graph.nodes }, known);
    const written = await unit.recorder.runsReplaced(execution, missing);
    if (written === null) throw new StaleFence(execution.taskId, execution.fence);
    // Another try wrote them at the same moment: the next one finds the rows.
    if (written.size < missing.length) throw new Error('The end of the task was written by another try.');
    return endTask(unit, { ...input, definition, events: endEvents(missing) });
  });
}

/** Another try cannot help with a row that holds what it must not; any other error is worth one. */
async function readGraph(
  { graphs }: ActivityDependencies,
  { tenant, graphId }: ExecutionRef,
): Promise<GraphDefinition | { fault: Failure }> {
  try {
    return await graphs.get(tenant, graphId);
  } catch (error) {
    if (!isFinalError(error)) throw error;
    return { fault: { code: error.code, message: errorMessage(error) } };
  }
}

async function closeRow(deps: ActivityDependencies, input: CloseTaskInput, fault: Failure): Promise<Ended> {
  const { execution } = input;
  const isCancelled = input.status === 'cancelled';
  const failure = isCancelled ? input.failure : (input.failure ?? fault);
  const end = { execution, status: isCancelled ? ('cancelled' as const) : ('failed' as const), failure };
  const units = { units: deps.database.single, log: deps.log };
  const standing = await recording(units, execution.tenant, ({ recorder }) =>
    recorder.taskEnded({ ...end, output: NOTHING_STORED, reply: '' }),
  );
  if (standing === null) throw new StaleFence(execution.taskId, execution.fence);
  return { status: standing.status, failure: standing.failure };
}
