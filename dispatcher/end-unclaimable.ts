import type { Database } from '../database/transaction.ts';
import { errorMessage } from '../domain/errors.ts';
import type { TaskId } from '../domain/ids.ts';
import type { LoopLog } from '../domain/system/loop.ts';
import { ScheduleRepository } from '../entities/tasks/schedule-repository.ts';
import type { Claims } from '../operations/tasks/claim.ts';

export interface EndUnclaimableOptions {
  readonly database: Database;
  readonly log: LoopLog;
  /** Called for each task that has ended. */
  readonly ended: (taskId: TaskId) => void;
}

/**
 * Ends tasks that can never be claimed as failed, with what follows from that. The claim's turn-away takes their jobs
 * out of the index. A task whose end is refused too comes again, and holds up none of the others.
 * @returns whether all have ended
 */
export async function endUnclaimable(
  { database, log, ended }: EndUnclaimableOptions,
  refused: Claims['refused'],
): Promise<boolean> {
  let isDone = true;
  for (const { taskId, failure } of refused) {
    log.warn({ taskId, error: failure.message }, 'a task can never be claimed; it ends as failed');
    try {
      const failed = await database.single.inSystem('dispatch', ({ em }) =>
        new ScheduleRepository(em).fail(taskId, failure),
      );
      if (failed !== null) ended(taskId);
    } catch (error) {
      isDone = false;
      log.warn({ taskId, error: errorMessage(error) }, 'could not fail a task that cannot be claimed; retrying');
    }
  }
  return isDone;
}
