import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { expressionBuilder, type RawBuilder, sql } from 'kysely';
import type { TaskId, TenantId } from '../../../domain/ids.ts';
import type { TaskStatus } from '../../../domain/tasks/task-status.ts';
import { auditRowsFrom } from '../../audit/audit-rows.ts';
import { call, column, constant, type InsertPart, textOf } from '../../insert-from.ts';
import { submittedRowsFrom } from '../../system/outbox-rows.ts';
import { tables } from '../../tables.ts';
import { IS_PENDING } from '../expressions.ts';
import type { NewTask, WrittenTask } from '../new-task.ts';

interface Insertion {
  readonly tasks: readonly NewTask[];
  readonly oneCall: boolean;
}

/**
 * See `SubmitRepository.insert`. SQL in its parts, because it takes its tasks as one list for each column, and what many
 * have in common once: a thousand tasks as rows of parameters are 17,000 of them, and cost several times as much. By
 * tasks_idempotency_unique; 1,000 tasks cost PostgreSQL about 27 ms.
 */
export async function insertTasks(
  em: SqlEntityManager,
  tenant: TenantId,
  { tasks, oneCall }: Insertion,
): Promise<WrittenTask[]> {
  const { kinds, kindOf } = kindsOf(tasks);
  const inserted = await tables(em)
    .with('kinds', () => kindsTable(kinds))
    .with('given', () => givenTable(tasks, kindOf))
    .with('inserted', () => insertedTable(tenant))
    .with('audited', () => auditOf(oneCall))
    .with('sent', () => submittedRowsFrom('inserted', IS_PENDING))
    .selectFrom('inserted')
    .select(['id', 'status', 'createdAt'])
    .execute();
  return inserted.map(({ createdAt, ...task }) => ({ ...task, createdAtMs: createdAt.getTime() }));
}

/** Each task has an audit row; or, where they come from one call, they share one for each user. */
function auditOf(oneCall: boolean): InsertPart {
  const row = {
    actor: call('coalesce', column('user_id'), constant('client', 'text')),
    action: 'task.submitted',
    subjectType: 'task',
  };
  const graph = column('graph_name');
  if (!oneCall) return auditRowsFrom('inserted', { ...row, details: { graph } });
  const users = {
    from: 'inserted',
    groupBy: expressionBuilder<Inserted, 'inserted'>().refTuple('userId', 'graphName', 'tenantId'),
  };
  const subjectId = call('min', textOf(column('id')));
  return auditRowsFrom(users, { ...row, subjectId, details: { graph, taskIds: call('jsonb_agg', column('id')) } });
}

interface Inserted {
  readonly inserted: {
    readonly id: TaskId;
    readonly tenantId: TenantId;
    readonly status: TaskStatus;
    readonly createdAt: Date;
    readonly graphName: string;
    readonly userId: string | null;
  };
}

function kindsTable(kinds: readonly object[]): RawBuilder<{ number: number }> {
  return sql`(
    select * from rows from (jsonb_to_recordset(${JSON.stringify(kinds)}::jsonb) as (graph_id uuid, graph_name text,
      task_queue text, priority smallint, user_id text, concurrency_keys text[])) with ordinality as k(graph_id,
      graph_name, task_queue, priority, user_id, concurrency_keys, number)
  )`;
}

function givenTable(tasks: readonly NewTask[], kindOf: readonly number[]): RawBuilder<{ id: TaskId }> {
  return sql`(
    select * from unnest(${tasks.map((task) => task.id)}::uuid[], ${kindOf}::int[],
      ${tasks.map((task) => task.title)}::text[], ${tasks.map((task) => task.idempotencyKey)}::text[],
      ${tasks.map((task) => task.requestHash)}::text[], ${tasks.map((task) => task.input.json)}::jsonb[],
      ${tasks.map(restOf)}::jsonb[]) as g(id, kind, title, idempotency_key, request_hash, input, rest)
  )`;
}

function insertedTable(tenant: TenantId): RawBuilder<Inserted['inserted']> {
  return sql`(
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
    returning id, tenant_id, status, created_at, graph_name, user_id
  )`;
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
