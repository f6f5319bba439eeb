import { WriteRefused } from '../../database/database-errors.ts';
import type { Database, Transaction } from '../../database/transaction.ts';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { storableText } from '../../domain/json.ts';
import type { ExecutionRef, Failure } from '../../domain/tasks/execution.ts';
import { isTerminalTaskStatus, type TerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { NOTHING_STORED } from '../../entities/traces/artifact-repository.ts';
import { NO_TRACE } from '../../entities/traces/event-rows.ts';
import { RunRepository } from '../../entities/traces/run-repository.ts';
import type { GraphCache } from '../graphs/graph-cache.ts';
import type { StandingEnd } from './notes.ts';
import { Recorder } from './recorder.ts';
import { endEvents, interruptedRuns, unfinishedRuns } from './unfinished-runs.ts';

export interface OutsideEnd {
  readonly status: TerminalTaskStatus;
  readonly failure: Failure;
  /** Whether its workflow may still be open: then it is to be terminated, by the outbox, as soon as Temporal is there. */
  readonly terminate: boolean;
}

/**
 * Ends a task whose workflow cannot, will not, or shall not: its row, its slots, its runs and its trace end in one
 * transaction. Its first end stands, and an accepted cancel wins. Where PostgreSQL refuses a part of the record, the row
 * alone ends, for the same reason, and the reconciler ends the trace. Where it refuses the reason itself, the row says so.
 * @returns how the task stands; null when the claim is no longer the task's
 */
export async function endFromOutside(
  { database, graphs }: { readonly database: Database; readonly graphs: GraphCache },
  execution: ExecutionRef,
  end: OutsideEnd,
): Promise<StandingEnd | null> {
  const graph = await graphs.usable(execution);
  const definition = 'fault' in graph ? null : graph;
  const rowFor = (failure: Failure) =>
    database.single.inTenant(execution.tenant, (tx) => endRow(tx, execution, { ...end, failure }));
  return unlessRefused(
    () => database.inTenant(execution.tenant, (tx) => endWhole(tx, { execution, definition }, end)),
    () => rowFor(end.failure),
    ({ message }) => rowFor({ code: end.failure.code, message: storableText(message) }),
  );
}

/** Ends the trace of a task that has ended without it, as the task did. */
export function endLeftTrace(database: Database, { tenant, taskId, traceId }: ExecutionRef): Promise<void> {
  return database.inTenant(tenant, async ({ em }) => {
    const task = await new TaskRepository(em).find(taskId);
    if (task === null || !isTerminalTaskStatus(task.status)) return;
    await new Recorder(em).traceEnded(traceId, { status: task.status, failure: task.error });
  });
}

/** Writes in the first of these ways that PostgreSQL accepts. What it refuses once, it refuses again. */
export async function unlessRefused<End>(
  write: () => Promise<End>,
  ...others: ((refusal: WriteRefused) => Promise<End>)[]
): Promise<End> {
  try {
    return await write();
  } catch (error) {
    const [next, ...rest] = others;
    if (!(error instanceof WriteRefused) || next === undefined) throw error;
    return unlessRefused(() => next(error), ...rest);
  }
}

async function endWhole(
  tx: Transaction,
  { execution, definition }: { execution: ExecutionRef; definition: GraphDefinition | null },
  end: OutsideEnd,
): Promise<StandingEnd | null> {
  const standing = await endRow(tx, execution, end);
  if (standing === null) return null;
  const recorder = new Recorder(tx.em);
  if (!standing.isNew) {
    await recorder.traceEnded(execution.traceId, standing);
    return standing;
  }
  const known = await new RunRepository(tx.em).list(execution.traceId);
  const ends = definition === null ? interruptedRuns(standing, known) : unfinishedRuns(definition, standing, known);
  // A node that still ran somewhere may end at this very moment: then its own end and event stand.
  const written = await recorder.runsReplaced(execution, ends);
  const events = endEvents(ends.filter(({ nodeId }) => written?.has(nodeId)));
  await recorder.traceEnded(execution.traceId, standing, events);
  return standing;
}

/** The row alone. What comes before the end in the trace is not known yet. */
function endRow({ em }: Transaction, execution: ExecutionRef, end: OutsideEnd): Promise<StandingEnd | null> {
  const { status, failure, terminate } = end;
  const row = { execution, status, failure, output: NOTHING_STORED, reply: '' };
  return new Recorder(em, NO_TRACE).taskEnded(row, { terminate });
}
