import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { bandOfPriority } from '../../domain/tasks/priority.ts';
import { OPEN_TASK_STATUSES, type TaskStatus, WAITING_TASK_STATUSES } from '../../domain/tasks/status.ts';
import type { StoredValue } from '../traces/artifact-repository.ts';
import { readTask, type TaskRecord, type TaskRow } from './task-record.ts';

/** A task as a submit hands it over; everything is already checked. */
export interface NewTask {
  readonly id: TaskId;
  readonly tenant: TenantId;
  readonly graphId: string;
  readonly graphName: string;
  readonly taskQueue: string;
  readonly title: string;
  readonly priority: number;
  readonly userId: string | null;
  readonly idempotencyKey: string | null;
  /** Hash of graph and input: tells a repeated submit from another one under the same key. */
  readonly requestHash: string;
  readonly input: StoredValue;
  readonly dueDate: Date | null;
  readonly metadata: JsonObject;
  readonly actor: string;
}

/** Which tasks a list shows, newest first. */
export interface TaskFilter {
  readonly status?: TaskStatus;
  readonly graph?: string;
  /** 1 to 500. */
  readonly limit: number;
}

const OPEN = sql.join(OPEN_TASK_STATUSES.map((status) => sql.lit(status)));
const WAITING = sql.join(WAITING_TASK_STATUSES.map((status) => sql.lit(status)));

/** The tasks of the unit of work's tenant. Every method is one statement. */
export class TaskRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /**
   * Writes the task, its audit row and its outbox row, all or none. A second call with the same id or the same
   * idempotency key writes nothing and returns false.
   */
  async insert(task: NewTask): Promise<boolean> {
    const result = await sql<{ id: string }>`
      with inserted as (
        insert into muster.tasks (id, tenant_id, graph_id, graph_name, task_queue, title, priority, user_id,
          idempotency_key, request_hash, input, input_artifact_id, due_date, metadata)
        values (${task.id}, ${task.tenant}, ${task.graphId}, ${task.graphName}, ${task.taskQueue}, ${task.title},
          ${task.priority}, ${task.userId}, ${task.idempotencyKey}, ${task.requestHash},
          ${task.input.json}::jsonb, ${task.input.artifactId}, ${task.dueDate}, ${JSON.stringify(task.metadata)}::jsonb)
        on conflict do nothing
        returning id, tenant_id
      ), audited as (
        insert into muster.audit_log (id, tenant_id, actor, action, subject_type, subject_id, details)
        select gen_random_uuid(), tenant_id, ${task.actor}, 'task.submitted', 'task', id::text,
          jsonb_build_object('graph', ${task.graphName}::text) from inserted
      ), sent as (
        insert into muster.outbox (tenant_id, topic, task_id) select tenant_id, 'task.submitted', id from inserted
      )
      select id from inserted`.execute(this.#em.getKysely());
    return result.rows.length === 1;
  }

  async find(id: TaskId): Promise<TaskRecord | null> {
    const result = await sql<TaskRow>`select * from muster.tasks where id = ${id}`.execute(this.#em.getKysely());
    return result.rows[0] === undefined ? null : readTask(result.rows[0]);
  }

  /** The task that an insert of this one met: itself, or the one of an earlier submit under the same key. */
  async findSubmitted(task: Pick<NewTask, 'id' | 'tenant' | 'idempotencyKey'>): Promise<TaskRecord | null> {
    const result = await sql<TaskRow>`
      select * from muster.tasks
      where id = ${task.id} or (tenant_id = ${task.tenant} and idempotency_key = ${task.idempotencyKey})
      order by (id = ${task.id}) desc limit 1`.execute(this.#em.getKysely());
    return result.rows[0] === undefined ? null : readTask(result.rows[0]);
  }

  /** Newest first: ids grow with time. By tasks_tenant_id_unique. */
  async list(filter: TaskFilter): Promise<TaskRecord[]> {
    const result = await sql<TaskRow>`
      select * from muster.tasks
      where (${filter.status ?? null}::text is null or status = ${filter.status ?? null})
        and (${filter.graph ?? null}::text is null or graph_name = ${filter.graph ?? null})
      order by id desc limit ${filter.limit}`.execute(this.#em.getKysely());
    return result.rows.map(readTask);
  }

  /** How many tasks wait in each band, and how many have an open workflow. */
  async depth(): Promise<{ high: number; normal: number; low: number; running: number }> {
    const result = await sql<{ waits: boolean; priority: number; count: number }>`
      select status = 'pending' as waits, priority, count(*)::int as count
      from muster.tasks where status = 'pending' or status in (${OPEN})
      group by 1, 2`.execute(this.#em.getKysely());
    const depth = { high: 0, normal: 0, low: 0, running: 0 };
    for (const { waits, priority, count } of result.rows) depth[waits ? bandOfPriority(priority) : 'running'] += count;
    return depth;
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

  /** Holds a task back before its start (`deferred`), or lets it go again (`pending`). False when it was not so. */
  async holdBack(id: TaskId, held: boolean): Promise<boolean> {
    const [from, to] = held ? ['pending', 'deferred'] : ['deferred', 'pending'];
    const result = await sql<{ id: string }>`
      with moved as (
        update muster.tasks set status = ${to} where id = ${id} and status = ${from} returning id, tenant_id
      ), sent as (
        insert into muster.outbox (tenant_id, topic, task_id)
        select tenant_id, 'task.submitted', id from moved where ${!held}
      )
      select id from moved`.execute(this.#em.getKysely());
    return result.rows.length === 1;
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
