import { withRecord } from '../../database/with-record.ts';
import type { GraphState } from '../../domain/graphs/graph-state.ts';
import type { ExecutionRef, Failure } from '../../domain/tasks/execution.ts';
import type { TerminalTaskStatus } from '../../domain/tasks/status.ts';
import { RunRepository } from '../../entities/traces/run-repository.ts';
import { TraceRepository } from '../../entities/traces/trace-repository.ts';
import { endEvents, unfinishedRuns } from '../../entities/traces/unfinished-runs.ts';
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
 * One transaction; repeating it returns the end that stands.
 */
export async function closeTask(deps: ActivityDependencies, input: CloseTaskInput): Promise<Ended> {
  const { execution, status, failure } = input;
  try {
    const definition = await deps.graphs.get(execution.tenant, execution.graphId);
    const ended = await withRecord(deps, (record) =>
      deps.database.inTenant(execution.tenant, async ({ em }) => {
        const runs = new RunRepository(em);
        const known = await runs.list(execution.traceId);
        const missing = unfinishedRuns(definition, { status, failure, nodes: input.graph.nodes }, known);
        const written = await runs.replace(execution, missing);
        // Another try wrote them at the same moment: the next one finds the rows.
        if (!written) throw new Error('The end of the task was written by another try.');
        if (record) await new TraceRepository(em).append(execution.traceId, endEvents(missing));
        return endTask(em, { ...input, definition, record });
      }),
    );
    deps.taskEnded(execution);
    return ended;
  } catch (error) {
    throw toFailure(error);
  }
}
