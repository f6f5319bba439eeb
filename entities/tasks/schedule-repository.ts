import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { ErrorCode } from '../../domain/errors.ts';
import type { TaskId } from '../../domain/ids.ts';
import type { Failure } from '../../domain/tasks/execution.ts';
import { WAITING_TASK_STATUSES } from '../../domain/tasks/task-status.ts';
import { type EndedTask, FAIL_DOOMED, readEnded } from './end-waiting.ts';
import { readWaitingJob, WAITING_JOB_COLUMNS, type WaitingJob, type WaitingJobRow } from './waiting-job.ts';

const MISSED: ErrorCode = 'deadline_exceeded';
const WAITING = sql.join(WAITING_TASK_STATUSES.map((status) => sql.lit(status)));

/**
 * Tasks whose time has come, of all tenants and by PostgreSQL's clock. Needs a system unit of work. Every method is one
 * statement, leaves to another caller what that one is just moving, and changes nothing when it is repeated.
 */
export class ScheduleRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /** Lets deferred tasks go whose start has come, the longest due first, by tasks_start_after_index. */
  async releaseDue(limit: number): Promise<WaitingJob[]> {
    const result = await sql<WaitingJobRow>`
      with due as (
        select id from muster.tasks where status = 'deferred' and start_after <= now() and held_at is null
        order by start_after limit ${limit} for update skip locked
      ), released as (
        update muster.tasks t set status = 'pending' from due d where t.id = d.id returning t.*
      ), sent as (
        insert into muster.outbox (tenant_id, topic, payload)
        select tenant_id, 'task.submitted', jsonb_build_object('taskIds', jsonb_agg(id)) from released group by tenant_id
      )
      select ${WAITING_JOB_COLUMNS} from released`.execute(this.#em.getKysely());
    return result.rows.map(readWaitingJob);
  }

  /** Fails tasks that wait and can never start, each for its reason. Their outbox rows let follow what follows. */
  async fail(doomed: readonly { readonly taskId: TaskId; readonly failure: Failure }[]): Promise<EndedTask[]> {
    const errors = doomed.map(({ failure }) => JSON.stringify(failure));
    const result = await sql<{ id: string; task_queue: string }>`
      with doomed as (
        select t.id, g.error
        from unnest(${doomed.map(({ taskId }) => taskId)}::uuid[], ${errors}::jsonb[]) as g(id, error)
          join muster.tasks t on t.id = g.id and t.status in (${WAITING})
        for update of t skip locked
      ), ${FAIL_DOOMED}`.execute(this.#em.getKysely());
    return result.rows.map(readEnded);
  }

  /** Fails tasks that still wait at their deadline, by tasks_deadline_index. What runs is stopped by its workflow. */
  async failLate(limit: number): Promise<EndedTask[]> {
    const result = await sql<{ id: string; task_queue: string }>`
      with doomed as (
        select id, jsonb_build_object('code', ${MISSED}::text, 'message', 'The task had not started at its deadline.')
          as error
        from muster.tasks where deadline_at <= now() and completed_at is null and status in (${WAITING})
        order by deadline_at limit ${limit} for update skip locked
      ), ${FAIL_DOOMED}`.execute(this.#em.getKysely());
    return result.rows.map(readEnded);
  }
}
