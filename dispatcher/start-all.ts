import { setTimeout as pause } from 'node:timers/promises';
import type { Database } from '../database/transaction.ts';
import type { TaskId } from '../domain/ids.ts';
import type { ReachFailpoint } from '../domain/system/failpoints.ts';
import type { LoopLog } from '../domain/system/loop.ts';
import type { Failure } from '../domain/tasks/execution.ts';
import { ClaimRepository } from '../entities/tasks/claim-repository.ts';
import type { ClaimedTask } from '../entities/tasks/claimed-task.ts';
import type { GraphCache } from '../operations/graphs/graph-cache.ts';
import { endFromOutside } from '../operations/record/end-from-outside.ts';
import { explain } from '../temporal/refusals.ts';
import type { StartTask } from './start-task.ts';
import type { StartVerdicts } from './start-verdicts.ts';

export interface StartAllOptions {
  readonly database: Database;
  readonly graphs: GraphCache;
  readonly start: StartTask;
  readonly verdicts: Pick<StartVerdicts, 'of' | 'startTaken'>;
  readonly reach: ReachFailpoint;
  readonly log: LoopLog;
  /** Told about each task that ended instead of starting. */
  readonly ended: (taskId: TaskId) => void;
  readonly stopping: () => boolean;
}

/** How long the next try to start something waits: twice as long each time. */
export const BACK_OFF_MS = { first: 200, most: 5_000 };

/**
 * Starts claimed tasks, for as long as Temporal is unavailable and this process runs: they are claimed, and this process
 * answers for them. A task that can never start, because Temporal refuses it for good or its stored graph is broken, ends
 * as failed with the reason. One that has ended meanwhile, by a kill or at its deadline, is let go.
 */
export async function startAll(options: StartAllOptions, claimed: readonly ClaimedTask[]): Promise<void> {
  await Promise.all(claimed.map((task) => startOne(options, task)));
}

async function startOne(options: StartAllOptions, task: ClaimedTask): Promise<void> {
  const { start, verdicts, reach, log, stopping } = options;
  const { taskId } = task.execution;
  await reach('after_claim_before_start');
  for (let wait = BACK_OFF_MS.first; ; wait = Math.min(2 * wait, BACK_OFF_MS.most)) {
    try {
      await start(task);
      verdicts.startTaken();
      await reach('after_start_before_answer');
      return;
    } catch (error) {
      const failure = await verdicts.of(error);
      if (failure !== null) {
        await endUnstartable(options, task, failure);
        return options.ended(taskId);
      }
      log.warn({ taskId, error: explain(error) }, 'could not start a workflow; retrying');
    }
    if (stopping()) return;
    await pause(wait);
    if (await hasEnded(options, task)) return options.ended(taskId);
  }
}

/** While PostgreSQL does not answer nobody knows, and the start is tried again. */
function hasEnded({ database }: StartAllOptions, { execution }: ClaimedTask): Promise<boolean> {
  return database.single
    .inSystem('dispatch', ({ em }) => new ClaimRepository(em).isOpen(execution))
    .then((isOpen) => !isOpen)
    .catch(() => false);
}

/** Ends a claimed task, as failed with the reason, that can never start. Repeating it changes nothing: its first end stands. */
export async function endUnstartable(
  { database, graphs, log }: Pick<StartAllOptions, 'database' | 'graphs' | 'log'>,
  { execution }: ClaimedTask,
  failure: Failure,
): Promise<void> {
  const facts = { taskId: execution.taskId, code: failure.code, error: failure.message };
  log.warn(facts, 'a task can never start; it ends as failed');
  await endFromOutside({ database, graphs }, execution, { status: 'failed', failure, terminate: false });
}
