import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import { OPEN_TASK_STATUSES, type TaskStatus, WAITING_TASK_STATUSES } from '../../domain/tasks/status.ts';
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
   * Ends a task that has not started. Returns false when it has: then its workflow has to be asked.
   */
  async cancelWaiting(id: TaskId, actor: string, reason: string): Promise<boolean> {
    const error: Json = { code: 'task_cancelled', message: reason };
    const result = await sql<{ id: string }>`
      with cancelled as (
        update muster.tasks set status = 'cancelled', completed_at = now(), cancel_requested_at = now(),
          error = ${JSON.stringify(error)}::jsonb
        where id = ${id} and status in (${WAITING}) returning id, tenant_id
      ), audited as (
        insert into muster.audit_log (id, tenant_id, actor, action, subject_type, subject_id, details)
        select gen_random_uuid(), tenant_id, ${actor}, 'task.cancelled', 'task', id::text,
          jsonb_build_object('reason', ${reason}::text) from cancelled
      ), sent as (
        insert into muster.outbox (tenant_id, topic, task_id) select tenant_id, 'task.finished', id from cancelled
      )
      select id from cancelled`.execute(this.#em.getKysely());
    return result.rows.length === 1;
  }

  /** Writes down that an open task shall be cancelled; the relay tells its workflow, however often it takes. */
  async requestCancel(id: TaskId, actor: string, reason: string): Promise<boolean> {
    const result = await sql<{ id: string }>`
      with requested as (
        update muster.tasks set cancel_requested_at = coalesce(cancel_requested_at, now())
        where id = ${id} and status in (${OPEN}) returning id, tenant_id
      ), audited as (
        insert into muster.audit_log (id, tenant_id, actor, action, subject_type, subject_id, details)
        select gen_random_uuid(), tenant_id, ${actor}, 'task.cancel_requested', 'task', id::text,
          jsonb_build_object('reason', ${reason}::text) from requested
      ), sent as (
        insert into muster.outbox (tenant_id, topic, task_id) select tenant_id, 'task.cancelled', id from requested
      )
      select id from requested`.execute(this.#em.getKysely());
    return result.rows.length === 1;
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

  /** Moves an open task between its open statuses, under the claim's fence. False when the task has ended. */
  async markOpen(id: TaskId, fence: number, status: 'paused' | 'in_progress'): Promise<boolean> {
    const result = await sql<{ id: string }>`
      update muster.tasks set status = ${status}
      where id = ${id} and fence = ${fence} and status in (${OPEN}) returning id`.execute(this.#em.getKysely());
    return result.rows.length === 1;
  }
  /** Makes the tenant known. Its first use creates it; a repetition does nothing. */
  async ensureTenant(tenant: TenantId): Promise<void> {
    await sql`insert into muster.tenants (id) values (${tenant}) on conflict do nothing`.execute(this.#em.getKysely());
  }
}
