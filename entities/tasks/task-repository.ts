import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { ErrorCode } from '../../domain/errors.ts';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import { OPEN_TASK_STATUSES, type TaskStatus, WAITING_TASK_STATUSES } from '../../domain/tasks/task-status.ts';
import { readTask, type TaskRecord, type TaskRow } from './task-record.ts';
import { readWaitingJob, WAITING_JOB_COLUMNS, type WaitingJob, type WaitingJobRow } from './waiting-job.ts';

/** Which tasks a list shows, newest first. */
export interface TaskFilter {
  readonly status?: TaskStatus;
  readonly graph?: string;
  /** True for tasks that have not ended although they were due; longest overdue first then. */
  readonly overdue?: boolean;
  /** 1 to 500. */
  readonly limit: number;
}

const OPEN = sql.join(OPEN_TASK_STATUSES.map((status) => sql.lit(status)));
const OVERDUE = sql`due_date < now() and completed_at is null`;
const WAITING = sql.join(WAITING_TASK_STATUSES.map((status) => sql.lit(status)));

/** Who asks for the end of a task, and what its row says of it if it ends at once. */
export interface CancelWish {
  readonly actor: string;
  readonly code: ErrorCode & ('task_cancelled' | 'task_killed');
  readonly reason: string;
}

/** The tasks of the unit of work's tenant. Every method is one statement. */
export class TaskRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  async find(id: TaskId): Promise<TaskRecord | null> {
    const result = await sql<TaskRow>`select * from muster.tasks where id = ${id}`.execute(this.#em.getKysely());
    return result.rows[0] === undefined ? null : readTask(result.rows[0]);
  }

  /** Newest first: ids grow with time. By tasks_tenant_id_unique; overdue ones by tasks_due_index. */
  async list(filter: TaskFilter): Promise<TaskRecord[]> {
    const result = await sql<TaskRow>`
      select * from muster.tasks
      where (${filter.status ?? null}::text is null or status = ${filter.status ?? null})
        and (${filter.graph ?? null}::text is null or graph_name = ${filter.graph ?? null})
        and ${filter.overdue === true ? OVERDUE : sql`true`}
      order by ${filter.overdue === true ? sql`due_date, id` : sql`id desc`} limit ${filter.limit}`.execute(
      this.#em.getKysely(),
    );
    return result.rows.map(readTask);
  }

  /**
   * Asks for the end of a task: one that waits ends at once, for one that is open the wish is written down, and from then on
   * it can end as nothing else. The relay tells its workflow; a sweeper ends it where that does not help.
   * @returns null when it had ended
   */
  async cancel(id: TaskId, { actor, code, reason }: CancelWish): Promise<{ readonly ended: boolean } | null> {
    const error: Json = { code, message: reason };
    const waits = sql<boolean>`status in (${WAITING})`;
    const result = await sql<{ ended: boolean }>`
      with asked as (
        update muster.tasks set cancel_requested_at = coalesce(cancel_requested_at, now()),
          completed_at = case when ${waits} then now() end,
          error = case when ${waits} then ${JSON.stringify(error)}::jsonb else error end,
          status = case when ${waits} then 'cancelled' else status end
        where id = ${id} and status in (${WAITING}, ${OPEN}) returning id, tenant_id, status = 'cancelled' as ended
      ), audited as (
        insert into muster.audit_log (id, tenant_id, actor, action, subject_type, subject_id, details)
        select gen_random_uuid(), tenant_id, ${actor},
          case when ended then 'task.cancelled' else 'task.cancel_requested' end, 'task', id::text,
          jsonb_build_object('reason', ${reason}::text) from asked
      ), sent as (
        insert into muster.outbox (tenant_id, topic, task_id)
        select tenant_id, case when ended then 'task.finished' else 'task.cancelled' end, id from asked
      )
      select ended from asked`.execute(this.#em.getKysely());
    return result.rows[0] ?? null;
  }

  /** The next task of a series; null where there is none, or not yet. */
  async successorOf(id: TaskId): Promise<TaskId | null> {
    const result = await sql<{ id: TaskId }>`select id from muster.tasks where predecessor_id = ${id}`.execute(
      this.#em.getKysely(),
    );
    return result.rows[0]?.id ?? null;
  }

  /** Holds a task back before its start, whatever it waits for. False when it has started or ended. */
  async hold(id: TaskId): Promise<boolean> {
    const result = await sql<{ id: string }>`
      update muster.tasks set held_at = coalesce(held_at, now()),
        status = case status when 'pending' then 'deferred' else status end
      where id = ${id} and status in (${WAITING}) returning id`.execute(this.#em.getKysely());
    return result.rows.length === 1;
  }

  /**
   * Undoes {@link hold}: the task may start, or waits on for its time or for what it depends on.
   * @returns its job, if it may start; null when it is not held, waits on, has started or ended
   */
  async release(id: TaskId): Promise<WaitingJob | null> {
    const result = await sql<WaitingJobRow>`
      with released as (
        update muster.tasks set held_at = null,
          status = case when status = 'deferred' and coalesce(start_after <= now(), true) then 'pending' else status end
        where id = ${id} and status in (${WAITING}) and held_at is not null returning *
      ), sent as (
        insert into muster.outbox (tenant_id, topic, payload)
        select tenant_id, 'task.submitted', jsonb_build_object('taskIds', jsonb_build_array(id))
        from released where status = 'pending'
      )
      select ${WAITING_JOB_COLUMNS} from released where status = 'pending'`.execute(this.#em.getKysely());
    return result.rows[0] === undefined ? null : readWaitingJob(result.rows[0]);
  }

  /** Makes the tenant known. Its first use creates it; a repetition does nothing. */
  async ensureTenant(tenant: TenantId): Promise<void> {
    await sql`insert into muster.tenants (id) values (${tenant}) on conflict do nothing`.execute(this.#em.getKysely());
  }
}
