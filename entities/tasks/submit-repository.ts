import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import type { TaskStatus } from '../../domain/tasks/task-status.ts';
import { readDate } from '../read-row.ts';
import type { KnownTask, NewTask, WrittenTask } from './new-task.ts';

/** Tasks in one statement. Larger ones gain little and make those behind them wait longer. */
export const SUBMIT_BATCH_SIZE = 1_000;

/** Writes new tasks of one tenant. Every method is one statement. */
export class SubmitRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /**
   * Writes up to {@link SUBMIT_BATCH_SIZE} tasks of one tenant, and one outbox row that names those that may start: all or
   * none. Each has an audit row, or, as they come from one call, they share one for each user. Tasks with dependencies are written as blocked; see
   * {@link SubmitRepository.addDependencies}. What stands there already, by its id or its idempotency key, is left out of
   * the answer: a repetition writes nothing.
   */
  async insert(
    tenant: TenantId,
    tasks: readonly NewTask[],
    { oneCall }: { readonly oneCall: boolean },
  ): Promise<WrittenTask[]> {
    const { kinds, kindOf } = kindsOf(tasks);
    const result = await sql<{ id: string; status: TaskStatus; created_at: string }>`
      with kinds as (
        select * from rows from (jsonb_to_recordset(${JSON.stringify(kinds)}::jsonb) as (graph_id uuid, graph_name text,
          task_queue text, priority smallint, user_id text, concurrency_keys text[])) with ordinality as k(graph_id,
          graph_name, task_queue, priority, user_id, concurrency_keys, number)
      ), given as (
        select * from unnest(${tasks.map((task) => task.id)}::uuid[], ${kindOf}::int[],
          ${tasks.map((task) => task.title)}::text[], ${tasks.map((task) => task.idempotencyKey)}::text[],
          ${tasks.map((task) => task.requestHash)}::text[], ${tasks.map((task) => task.input.json)}::jsonb[],
          ${tasks.map(restOf)}::jsonb[]) as g(id, kind, title, idempotency_key, request_hash, input, rest)
      ), inserted as (
        insert into muster.tasks (id, tenant_id, graph_id, graph_name, task_queue, title, status, priority, user_id,
          idempotency_key, request_hash, input, concurrency_keys, input_artifact_id, start_after, due_date, deadline_at,
          recurrence)
        select g.id, ${tenant}, k.graph_id, k.graph_name, k.task_queue, g.title, case
            when (g.rest -> 'blocked')::boolean then 'blocked'
            when (g.rest ->> 'start_after')::timestamptz > now() then 'deferred'
            else 'pending'
          end, k.priority, k.user_id, g.idempotency_key, g.request_hash, g.input, k.concurrency_keys,
          (g.rest ->> 'input_artifact_id')::uuid, (g.rest ->> 'start_after')::timestamptz,
          (g.rest ->> 'due_date')::timestamptz, (g.rest ->> 'deadline_at')::timestamptz, g.rest -> 'recurrence'
        from given g join kinds k on k.number = g.kind
        on conflict do nothing
        returning id, status, created_at, graph_name, user_id
      ), audited as (
        insert into muster.audit_log (id, tenant_id, actor, action, subject_type, subject_id, details)
        select gen_random_uuid(), ${tenant}, coalesce(user_id, 'client'), 'task.submitted', 'task', min(id::text),
          case when ${oneCall} then jsonb_build_object('graph', graph_name, 'taskIds', jsonb_agg(id))
            else jsonb_build_object('graph', graph_name) end
        from inserted group by user_id, graph_name, case when ${oneCall} then null else id end
      ), sent as (
        insert into muster.outbox (tenant_id, topic, payload)
        select ${tenant}, 'task.submitted', jsonb_build_object('taskIds', jsonb_agg(id))
        from inserted where status = 'pending' having count(*) > 0
      )
      select id, status, created_at from inserted`.execute(this.#em.getKysely());
    return result.rows.map(readWritten);
  }

  /** The tasks that inserts of these met: themselves, or those of earlier submits under the same keys. */
  async findKnown(tenant: TenantId, tasks: readonly NewTask[]): Promise<KnownTask[]> {
    const keys = tasks.flatMap((task) => task.idempotencyKey ?? []);
    const result = await sql<KnownRow>`
      select id, status, created_at, idempotency_key, request_hash from muster.tasks
      where id = any(${tasks.map((task) => task.id)}::uuid[])
        or (tenant_id = ${tenant} and idempotency_key = any(${keys}::text[]))`.execute(this.#em.getKysely());
    return result.rows.map((row) => ({
      ...readWritten(row),
      idempotencyKey: row.idempotency_key,
      requestHash: row.request_hash,
    }));
  }

  /** Which of these are no tasks of the unit of work's tenant. */
  async findMissing(ids: readonly TaskId[]): Promise<TaskId[]> {
    const result = await sql<{ id: TaskId }>`
      select w.id from unnest(${[...ids]}::uuid[]) as w(id)
      where not exists (select from muster.tasks t where t.id = w.id)`.execute(this.#em.getKysely());
    return result.rows.map((row) => row.id);
  }

  /** Writes what tasks wait for. Repeating it changes nothing. */
  async addDependencies(tenant: TenantId, tasks: readonly Pick<NewTask, 'id' | 'dependsOn'>[]): Promise<void> {
    const pairs = tasks.flatMap(({ id, dependsOn }) => dependsOn.map((other) => [id, other] as const));
    await sql`
      insert into muster.task_dependencies (task_id, depends_on_task_id, tenant_id)
      select p.task_id, p.depends_on_task_id, ${tenant}
      from unnest(${pairs.map(([id]) => id)}::uuid[], ${pairs.map(([, other]) => other)}::uuid[])
        as p(task_id, depends_on_task_id)
      on conflict do nothing`.execute(this.#em.getKysely());
  }
}

interface KnownRow {
  readonly id: string;
  readonly status: TaskStatus;
  readonly created_at: string;
  readonly idempotency_key: string | null;
  readonly request_hash: string;
}

function readWritten(row: { id: string; status: TaskStatus; created_at: string }): WrittenTask {
  return { id: row.id as TaskId, status: row.status, createdAtMs: readDate(row.created_at).getTime() };
}

/** What many tasks of a batch have in common is sent once. */
function kindsOf(tasks: readonly NewTask[]): { kinds: readonly object[]; kindOf: readonly number[] } {
  const numbers = new Map<string, number>();
  const kinds: object[] = [];
  const kindOf = tasks.map((task) => {
    const { graphId, priority, userId, concurrencyKeys } = task;
    const text = JSON.stringify([graphId, task.taskQueue, priority, userId, concurrencyKeys]);
    const known = numbers.get(text);
    if (known !== undefined) return known;
    const { graphName: graph_name, taskQueue: task_queue } = task;
    kinds.push({
      graph_id: graphId,
      graph_name,
      task_queue,
      priority,
      user_id: userId,
      concurrency_keys: concurrencyKeys,
    });
    numbers.set(text, kinds.length);
    return kinds.length;
  });
  return { kinds, kindOf };
}

/** What most tasks do not have; null for a task that has none of it. */
function restOf({ input, startAfter, dueDate, deadlineAt, recurrence, dependsOn }: NewTask): string | null {
  const nothing = startAfter ?? dueDate ?? deadlineAt ?? recurrence ?? input.artifactId;
  if (nothing === null && dependsOn.length === 0) return null;
  return JSON.stringify({
    input_artifact_id: input.artifactId,
    start_after: startAfter,
    due_date: dueDate,
    deadline_at: deadlineAt,
    ...(recurrence === null ? {} : { recurrence }),
    blocked: dependsOn.length > 0,
  });
}
