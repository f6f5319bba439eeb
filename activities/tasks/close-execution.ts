import { StaleFence } from '../../capabilities/capability-errors.ts';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import type { GraphState } from '../../domain/graphs/graph-state.ts';
import { storableText } from '../../domain/json.ts';
import type { ExecutionRef, Failure } from '../../domain/tasks/execution.ts';
import type { TerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import { NOTHING_STORED } from '../../entities/traces/artifact-repository.ts';
import { RunRepository } from '../../entities/traces/run-repository.ts';
import { unlessRefused } from '../../operations/record/end-from-outside.ts';
import { recording } from '../../operations/record/recording.ts';
import { endEvents, unfinishedRuns } from '../../operations/record/unfinished-runs.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { type Ended, endTask } from './end-task.ts';

export interface ClosingExecution {
  readonly execution: ExecutionRef;
  /** The graph's last state: what of it is not in the rows yet is written now. */
  readonly graph: GraphState;
  readonly status: TerminalTaskStatus;
  readonly failure: Failure | null;
}

/**
 * Writes the end of a task whose nodes could not write it: a failure, a cancel, or nodes that ended side by side. One
 * transaction; repeating it returns the end that stands. A task whose graph cannot be read any more, or whose record
 * PostgreSQL refuses, ends all the same, as failed, with the runs that it has.
 */
export async function closeExecution(deps: ActivityDependencies, input: ClosingExecution): Promise<Ended> {
  const graph = await deps.graphs.usable(input.execution);
  const ended = 'fault' in graph ? await closeRow(deps, input, graph.fault) : await closeWhole(deps, input, graph);
  deps.taskEnded(input.execution, ended.status);
  return ended;
}

/**
 * Where PostgreSQL refuses a part, only the row of the task ends. The refusal is its failure if it has none, or if its
 * own was refused too.
 */
function closeWhole(deps: ActivityDependencies, input: ClosingExecution, definition: GraphDefinition): Promise<Ended> {
  return unlessRefused(
    () => close(deps, input, definition),
    ({ code, message }) => {
      deps.log.error(
        { taskId: input.execution.taskId, error: message },
        'the task ended, but part of its history could not be written',
      );
      return closeRow(deps, input, { code, message: storableText(message) });
    },
    ({ code, message }) => closeRow(deps, { ...input, failure: null }, { code, message: storableText(message) }),
  );
}

function close(deps: ActivityDependencies, input: ClosingExecution, definition: GraphDefinition): Promise<Ended> {
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

async function closeRow(deps: ActivityDependencies, input: ClosingExecution, fault: Failure): Promise<Ended> {
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
