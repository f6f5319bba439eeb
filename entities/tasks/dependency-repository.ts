import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type RawBuilder, sql } from 'kysely';
import type { ErrorCode } from '../../domain/errors.ts';
import type { TaskId } from '../../domain/ids.ts';
import type { TaskStatus } from '../../domain/tasks/task-status.ts';
import { type EndedTask, FAIL_DOOMED, readEnded } from './end-waiting.ts';
import { readWaitingJob, WAITING_JOB_COLUMNS, type WaitingJob, type WaitingJobRow } from './waiting-job.ts';

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
  readonly status: TaskStatus & ('pending' | 'deferred');
}

const FAILED: ErrorCode = 'dependency_failed';
/** Tasks that wait for others. Every method is one statement, and repeating it changes nothing. */
export class DependencyRepository {
  /** Tasks that one statement moves at most. Those beyond wait for the next one. */
  static readonly batchSize = 500;
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /** Fails blocked tasks that depend on one that failed or was cancelled. */
  async failHopeless(blocked: BlockedTasks): Promise<EndedTask[]> {
    const result = await sql<{ id: string; task_queue: string }>`
      with doomed as (
        select t.id, jsonb_build_object('code', ${FAILED}::text, 'message',
          'Task ' || o.id || ', on which this one depends, ended as ' || o.status || '.') as error
        from muster.tasks t cross join lateral (
          select w.id, w.status from muster.task_dependencies d join muster.tasks w on w.id = d.depends_on_task_id
          where d.task_id = t.id and w.status in ('failed', 'cancelled') order by w.completed_at, w.id limit 1
        ) as o
        where t.status = 'blocked' and ${isAmong(blocked)}
        limit ${DependencyRepository.batchSize} for update of t skip locked
      ), ${FAIL_DOOMED}`.execute(this.#em.getKysely());
    return result.rows.map(readEnded);
  }

  /** Lets go blocked tasks for which all that they depend on is completed. */
  async unblock(blocked: BlockedTasks): Promise<UnblockedTask[]> {
    const result = await sql<WaitingJobRow & { status: UnblockedTask['status'] }>`
      with free as (
        select t.id from muster.tasks t
        where t.status = 'blocked' and ${isAmong(blocked)} and not exists (
          select from muster.task_dependencies d join muster.tasks w on w.id = d.depends_on_task_id
          where d.task_id = t.id and w.status <> 'completed')
        limit ${DependencyRepository.batchSize} for update of t skip locked
      ), unblocked as (
        update muster.tasks t set status =
          case when t.held_at is null and coalesce(t.start_after <= now(), true) then 'pending' else 'deferred' end
        from free f where t.id = f.id returning t.*
      ), sent as (
        insert into muster.outbox (tenant_id, topic, payload)
        select tenant_id, 'task.submitted', jsonb_build_object('taskIds', jsonb_agg(id))
        from unblocked where status = 'pending' group by tenant_id
      )
      select status, ${WAITING_JOB_COLUMNS} from unblocked`.execute(this.#em.getKysely());
    return result.rows.map((row) => ({ ...readWaitingJob(row), status: row.status }));
  }
}

function isAmong(blocked: BlockedTasks): RawBuilder<boolean> {
  if (blocked === 'all') return sql`true`;
  if (blocked === 'behind recent ends') {
    // By tasks_ended_index and task_dependencies_wanted_index.
    return sql`t.id in (select b.task_id from muster.tasks e join muster.task_dependencies b
      on b.depends_on_task_id = e.id where e.completed_at > now() - interval '1 hour')`;
  }
  if ('ids' in blocked) return sql`t.id = any(${[...blocked.ids]}::uuid[])`;
  return sql`t.id in (select b.task_id from muster.task_dependencies b
    where b.depends_on_task_id = any(${[...blocked.behind]}::uuid[]))`;
}
