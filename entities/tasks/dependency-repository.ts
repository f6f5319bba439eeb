import type { ExpressionBuilder, ExpressionWrapper, SqlBool } from 'kysely';
import type { ErrorCode } from '../../domain/errors.ts';
import type { TaskId } from '../../domain/ids.ts';
import type { TaskStatus } from '../../domain/tasks/task-status.ts';
import { ago, anyOf, literal, now } from '../common-expressions.ts';
import { call, column, constant, jsonOf } from '../insert-from.ts';
import { Repository } from '../repository.ts';
import { submittedRowsFrom } from '../system/outbox-rows.ts';
import { type Tables, tables } from '../tables.ts';
import { type Doomed, type EndedTask, failDoomed } from './end-waiting.ts';
import { IS_PENDING, WITHOUT_RESULT } from './expressions.ts';
import { JOB_COLUMNS, readWaitingJob, type WaitingJob } from './waiting-job.ts';

/**
 * Which blocked tasks are looked at: these, those that depend on these, those that depend on one that ended within the
 * last hour, or all, which costs a second for 100,000.
 */
export type BlockedTasks =
  | { readonly ids: readonly TaskId[] }
  | { readonly behind: readonly TaskId[] }
  | 'behind recent ends'
  | 'all';

/** A task that is blocked no more. */
export interface UnblockedTask extends WaitingJob {
  /** `deferred` when it waits on, for its time or for a resume. */
  readonly status: TaskStatus;
}

const RECENT_SECONDS = 3_600;
const FAILED: ErrorCode = 'dependency_failed';

/** Tasks that wait for others. Every method is one statement, and repeating it changes nothing. */
export class DependencyRepository extends Repository {
  /** Tasks that one statement moves at most. Those beyond wait for the next one. */
  static readonly batchSize = 500;
  /** Fails blocked tasks that depend on one that failed or was cancelled. */
  failHopeless(blocked: BlockedTasks): Promise<EndedTask[]> {
    const error = jsonOf({ code: FAILED, message: SENTENCE });
    const doomed = tables(this.em).with('doomed', (db) =>
      db
        .selectFrom('tasks as t')
        .crossJoinLateral((eb) =>
          eb
            .selectFrom('task_dependencies as d')
            .innerJoin('tasks as w', 'w.id', 'd.dependsOnTaskId')
            .select(['w.id', 'w.status'])
            .whereRef('d.taskId', '=', 't.id')
            .where('w.status', 'in', WITHOUT_RESULT)
            .orderBy('w.completedAt')
            .orderBy('w.id')
            .limit(1)
            .as('other'),
        )
        .select(['t.id', error.as('error')])
        .where('t.status', '=', literal('blocked'))
        .where((eb) => isAmong(eb, blocked))
        .limit(DependencyRepository.batchSize)
        .forUpdate('t')
        .skipLocked()
        .$castTo<Doomed>(),
    );
    return failDoomed(doomed);
  }

  /** Lets go blocked tasks for which all that they depend on is completed. */
  async unblock(blocked: BlockedTasks): Promise<UnblockedTask[]> {
    const unblocked = await tables(this.em)
      .with('free', (db) =>
        db
          .selectFrom('tasks as t')
          .select('t.id')
          .where('t.status', '=', literal('blocked'))
          .where((eb) => isAmong(eb, blocked))
          .where(({ not, exists, selectFrom }) =>
            not(
              exists(
                selectFrom('task_dependencies as d')
                  .innerJoin('tasks as w', 'w.id', 'd.dependsOnTaskId')
                  .select('w.id')
                  .whereRef('d.taskId', '=', 't.id')
                  .where('w.status', '<>', literal('completed')),
              ),
            ),
          )
          .limit(DependencyRepository.batchSize)
          .forUpdate('t')
          .skipLocked(),
      )
      .with('unblocked', (db) =>
        db
          .updateTable('tasks')
          .from('free')
          .set((eb) => {
            const isDue = eb.or([eb('startAfter', 'is', null), eb('startAfter', '<=', now())]);
            const mayStart = eb.and([eb('heldAt', 'is', null), isDue]);
            return { status: eb.case().when(mayStart).then(literal('pending')).else(literal('deferred')).end() };
          })
          .whereRef('tasks.id', '=', 'free.id')
          .returning(['tasks.status', ...JOB_COLUMNS.map((name) => `tasks.${name}` as const)]),
      )
      .with('sent', () => submittedRowsFrom('unblocked', IS_PENDING))
      .selectFrom('unblocked')
      .selectAll()
      .execute();
    return unblocked.map((task) => ({ ...readWaitingJob(task), status: task.status }));
  }
}

/** What a doomed task is told about the one, `other`, that it depends on. */
const SENTENCE = call(
  'concat',
  constant('Task ', 'text'),
  column('other.id'),
  constant(', on which this one depends, ended as ', 'text'),
  column('other.status'),
  constant('.', 'text'),
);

function isAmong(
  eb: ExpressionBuilder<Tables & { t: Tables['tasks'] }, 't'>,
  blocked: BlockedTasks,
): ExpressionWrapper<Tables, 'tasks', SqlBool> {
  if (blocked === 'all') return eb.lit(true);
  if (blocked === 'behind recent ends') {
    // By tasks_ended_index and task_dependencies_wanted_index.
    return eb(
      't.id',
      'in',
      eb
        .selectFrom('tasks as e')
        .innerJoin('task_dependencies as b', 'b.dependsOnTaskId', 'e.id')
        .select('b.taskId')
        .where('e.completedAt', '>', ago(RECENT_SECONDS)),
    );
  }
  if ('ids' in blocked) return eb('t.id', '=', anyOf(blocked.ids));
  const behind = eb.selectFrom('task_dependencies as b').select('b.taskId');
  return eb('t.id', 'in', behind.where('b.dependsOnTaskId', '=', anyOf(blocked.behind)));
}
