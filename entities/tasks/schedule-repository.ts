import type { ErrorCode } from '../../domain/errors.ts';
import type { TaskId } from '../../domain/ids.ts';
import type { Failure } from '../../domain/tasks/execution.ts';
import { literal, now } from '../common-expressions.ts';
import { jsonOf } from '../insert-from.ts';
import { Repository } from '../repository.ts';
import { submittedRowsFrom } from '../system/outbox-rows.ts';
import { tables } from '../tables.ts';
import { type Doomed, type EndedTask, failDoomed } from './end-waiting.ts';
import { WAITING } from './expressions.ts';
import { JOB_COLUMNS, readWaitingJob, type WaitingJob } from './waiting-job.ts';

const MISSED = {
  code: 'deadline_exceeded' satisfies ErrorCode,
  message: 'The task had not started at its deadline.',
};

/**
 * Tasks whose time has come, of all tenants and by PostgreSQL's clock. Needs a system unit of work. Every method is one
 * statement, leaves to another caller what that one is just moving, and changes nothing when it is repeated.
 */
export class ScheduleRepository extends Repository {
  /** Lets deferred tasks go whose start has come, the longest due first, by tasks_start_after_index. */
  async releaseDue(limit: number): Promise<WaitingJob[]> {
    const released = await tables(this.em)
      .with('due', (db) =>
        db
          .selectFrom('tasks')
          .select('id')
          .where('status', '=', literal('deferred'))
          .where('startAfter', '<=', now())
          .where('heldAt', 'is', null)
          .orderBy('startAfter')
          .limit(limit)
          .forUpdate()
          .skipLocked(),
      )
      .with('released', (db) =>
        db
          .updateTable('tasks')
          .from('due')
          .set({ status: literal('pending') })
          .whereRef('tasks.id', '=', 'due.id')
          .returning(JOB_COLUMNS.map((name) => `tasks.${name}` as const)),
      )
      .with('sent', () => submittedRowsFrom('released'))
      .selectFrom('released')
      .selectAll()
      .execute();
    return released.map(readWaitingJob);
  }

  /** Fails a task that waits and can never start. Its outbox row lets follow what follows. Null if it waits no more. */
  async fail(id: TaskId, failure: Failure): Promise<EndedTask | null> {
    const doomed = tables(this.em).with('doomed', (db) =>
      db
        .selectFrom('tasks')
        .select(['id', jsonOf({ ...failure }).as('error')])
        .where('id', '=', id)
        .where('status', 'in', WAITING)
        .forUpdate()
        .skipLocked()
        .$castTo<Doomed>(),
    );
    const [ended] = await failDoomed(doomed);
    return ended ?? null;
  }

  /** Fails tasks that still wait at their deadline, by tasks_deadline_index. What runs is stopped by its workflow. */
  async failLate(limit: number): Promise<EndedTask[]> {
    const doomed = tables(this.em).with('doomed', (db) =>
      db
        .selectFrom('tasks')
        .select(['id', jsonOf(MISSED).as('error')])
        .where('deadlineAt', '<=', now())
        .where('completedAt', 'is', null)
        .where('status', 'in', WAITING)
        .orderBy('deadlineAt')
        .limit(limit)
        .forUpdate()
        .skipLocked()
        .$castTo<Doomed>(),
    );
    return failDoomed(doomed);
  }
}
