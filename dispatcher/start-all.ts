import { setTimeout as pause } from 'node:timers/promises';
import type { GraphCache } from '../database/graph-cache.ts';
import type { Database } from '../database/transaction.ts';
import { errorMessage } from '../domain/errors.ts';
import type { TaskId } from '../domain/ids.ts';
import type { ReachFailpoint } from '../domain/system/failpoints.ts';
import type { ClaimedTask } from '../entities/tasks/claimed-task.ts';
import { endFromOutside, finalStartFailure } from './end-task.ts';
import type { LoopLog } from './loop.ts';
import type { StartTask } from './start-task.ts';

export interface StartAllOptions {
  readonly database: Database;
  readonly graphs: GraphCache;
  readonly start: StartTask;
  readonly reach: ReachFailpoint;
  readonly log: LoopLog;
  /** Told about each task that ended instead of starting. */
  readonly ended: (taskId: TaskId) => void;
  readonly stopping: () => boolean;
}

const BACK_OFF_MS = { first: 200, most: 5_000 };

/**
 * Starts claimed tasks, however long Temporal is away: they are claimed, and this process answers for them until it
 * stops. A task that can never start, because its stored graph is broken for example, ends as failed.
 */
export async function startAll(options: StartAllOptions, claimed: readonly ClaimedTask[]): Promise<void> {
  await Promise.all(claimed.map((task) => startOne(options, task)));
}

async function startOne(options: StartAllOptions, task: ClaimedTask): Promise<void> {
  const { start, reach, log, stopping } = options;
  const { taskId } = task.execution;
  await reach('after_claim_before_start');
  for (let wait = BACK_OFF_MS.first; ; wait = Math.min(2 * wait, BACK_OFF_MS.most)) {
    try {
      await start(task);
      await reach('after_start_before_answer');
      return;
    } catch (error) {
      log.warn({ taskId, error: errorMessage(error) }, 'a workflow could not be started');
      const failure = finalStartFailure(error);
      if (failure !== null) {
        await endFromOutside(options, task.execution, { status: 'failed', failure });
        options.ended(taskId);
        return;
      }
    }
    if (stopping()) return;
    await pause(wait);
  }
}
