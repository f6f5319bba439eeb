import type { Database } from '../database/transaction.ts';
import type { LoopLog } from '../domain/system/loop.ts';
import type { Failure } from '../domain/tasks/execution.ts';
import type { ClaimedTask } from '../entities/tasks/claimed-task.ts';
import type { GraphCache } from '../operations/graphs/graph-cache.ts';
import { endFromOutside } from '../operations/record/end-from-outside.ts';

export interface EndUnstartableOptions {
  readonly database: Database;
  readonly graphs: GraphCache;
  readonly log: LoopLog;
}

/** Ends a claimed task, as failed with the reason, that can never start. Repeating it changes nothing: its first end stands. */
export async function endUnstartable(
  { database, graphs, log }: EndUnstartableOptions,
  { execution }: ClaimedTask,
  failure: Failure,
): Promise<void> {
  const facts = { taskId: execution.taskId, code: failure.code, error: failure.message };
  log.warn(facts, 'a task can never start; it ends as failed');
  await endFromOutside({ database, graphs }, execution, { status: 'failed', failure, terminate: false });
}
