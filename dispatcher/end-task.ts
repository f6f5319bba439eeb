import type { GraphCache } from '../database/graph-cache.ts';
import type { Database } from '../database/transaction.ts';
import { errorMessage, hasErrorCode, MusterError } from '../domain/errors.ts';
import type { GraphDefinition } from '../domain/graphs/definition.ts';
import type { ExecutionRef, Failure } from '../domain/tasks/execution.ts';
import type { TerminalTaskStatus } from '../domain/tasks/status.ts';
import { NOTHING_STORED } from '../entities/traces/artifact-repository.ts';
import { RunRepository } from '../entities/traces/run-repository.ts';
import { TraceRepository } from '../entities/traces/trace-repository.ts';
import { endEvents, unfinishedRuns } from '../entities/traces/unfinished-runs.ts';

/**
 * Ends a task whose workflow cannot: it was closed from outside, or could never start. Its runs, its trace and its own
 * row end in one transaction. Its first end stands.
 */
export async function endFromOutside(
  { database, graphs }: { database: Database; graphs: GraphCache },
  execution: ExecutionRef,
  { status, failure }: { status: TerminalTaskStatus; failure: Failure },
): Promise<void> {
  const definition = await readGraph(graphs, execution);
  await database.inTenant(execution.tenant, async ({ em }) => {
    const traces = new TraceRepository(em);
    const end = { execution, status, failure, output: NOTHING_STORED, reply: '' };
    const written = await traces.endTask(end, { record: false });
    if (written === status && definition !== null) {
      const runs = new RunRepository(em);
      const ends = unfinishedRuns(definition, { status, failure }, await runs.list(execution.traceId));
      // A node that still runs somewhere ended at this very moment: the next look finds its row.
      if (!(await runs.replace(execution, ends))) throw new Error('A run of the task ended meanwhile.');
      await traces.append(execution.traceId, endEvents(ends));
    }
    if (written !== null) await traces.endTrace(execution, written, failure);
  });
}

/** Null for a graph that cannot be used: its task ends all the same, with the runs that it has. */
function readGraph(graphs: GraphCache, { tenant, graphId }: ExecutionRef): Promise<GraphDefinition | null> {
  return graphs.get(tenant, graphId).catch((error: unknown) => {
    if (finalStartFailure(error) === null) throw error;
    return null;
  });
}

/** The failure of a task that can never start, whoever tries; null for an error that another try may get past. */
export function finalStartFailure(error: unknown): Failure | null {
  if (!(error instanceof MusterError) || error.retryable || !hasErrorCode(error)) return null;
  return { code: error.code, message: errorMessage(error) };
}
