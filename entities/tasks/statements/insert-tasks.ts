import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { expressionBuilder, type RawBuilder, sql } from 'kysely';
import type { TaskId, TenantId } from '../../../domain/ids.ts';
import type { Json } from '../../../domain/json.ts';
import type { TaskStatus } from '../../../domain/tasks/task-status.ts';
import { auditRowsFrom } from '../../audit/audit-rows.ts';
import { call, column, constant, type InsertPart, textOf } from '../../insert-from.ts';
import { givenList, givenRows, givenValue } from '../../statements/given-values.ts';
import { named } from '../../statements/named-parts.ts';
import { type Places, Statement } from '../../statements/statement.ts';
import { submittedRowsFrom } from '../../system/outbox-rows.ts';
import { IS_PENDING } from '../expressions.ts';
import type { NewTask, WrittenTask } from '../new-task.ts';

interface Insertion {
  readonly tasks: readonly NewTask[];
  readonly oneCall: boolean;
}

const GIVEN = {
  tenant: givenValue<TenantId>('text'),
  kinds: givenRows<Kind>({
    ...{ graphId: 'uuid', graphName: 'text', taskQueue: 'text', priority: 'smallint', userId: 'text' },
    ...{ concurrencyKeys: 'text[]', actsFor: 'text[]' },
  }),
  ids: givenList<TaskId>('uuid'),
  kindOf: givenList<number>('int'),
  titles: givenList<string>('text'),
  idempotencyKeys: givenList<string | null>('text'),
  requestHashes: givenList<string>('text'),
  /** Each is JSON already. */
  inputs: givenList<string | null>('text'),
  rests: givenList<Json>('jsonb'),
};
type Given = Places<typeof GIVEN>;

/**
 * SQL in its parts, because it takes its tasks as one list for each column, and what many have in common once: a thousand
 * tasks as rows of parameters are 17,000 of them, and cost several times as much. Its answer is a row for each status, since
 * all have the time of their transaction: reading a thousand costs us 3 ms. By tasks_idempotency_unique; 1,000 tasks
 * cost PostgreSQL about 27 ms.
 */
const insert = (audited: InsertPart) =>
  new Statement(GIVEN, (given) =>
    named
      .with('kinds', () => given.kinds)
      .with('given', () => givenTable(given))
      .with('inserted', () => insertedTable(given))
      .with('audited', () => audited)
      .with('sent', () => submittedRowsFrom('inserted', IS_PENDING))
      .main.selectFrom('inserted')
      .groupBy(['status', 'createdAt'])
      .select((eb) => ['status', 'createdAt', eb.fn.jsonAgg('id').$notNull().as('ids')]),
  );

/** See `SubmitRepository.insert`. */
export async function insertTasks(
  em: SqlEntityManager,
  tenant: TenantId,
  { tasks, oneCall }: Insertion,
): Promise<WrittenTask[]> {
  const inserted = await (oneCall ? INSERT_CALL : INSERT_EACH).run(em, {
    tenant,
    ...kindsOf(tasks),
    ids: tasks.map(({ id }) => id),
    titles: tasks.map(({ title }) => title),
    idempotencyKeys: tasks.map(({ idempotencyKey }) => idempotencyKey),
    requestHashes: tasks.map(({ requestHash }) => requestHash),
    inputs: tasks.map(({ input }) => input.json),
    rests: tasks.map(restOf),
  });
  return inserted.flatMap(({ ids, status, createdAt }) => {
    const createdAtMs = createdAt.getTime();
    return ids.map((id) => ({ id, status, createdAtMs }));
  });
}

const WHO_AND_WHAT = {
  actor: call('coalesce', column('user_id'), constant('client', 'text')),
  action: 'task.submitted',
  subjectType: 'task',
};
const GRAPH = column('graph_name');

/** Each task has an audit row. */
const INSERT_EACH = insert(auditRowsFrom('inserted', { ...WHO_AND_WHAT, details: { graph: GRAPH } }));

/** The tasks come from one call: they share a row for each user. */
const INSERT_CALL = insert(
  auditRowsFrom(
    {
      from: 'inserted',
      groupBy: expressionBuilder<Inserted, 'inserted'>().refTuple('userId', 'graphName', 'tenantId'),
    },
    {
      ...WHO_AND_WHAT,
      subjectId: call('min', textOf(column('id'))),
      details: { graph: GRAPH, taskIds: call('jsonb_agg', column('id')) },
    },
  ),
);

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

function givenTable(given: Given): RawBuilder<{ id: TaskId }> {
  return sql`(
    select * from unnest(${given.ids}, ${given.kindOf}, ${given.titles}, ${given.idempotencyKeys}, ${given.requestHashes},
      ${given.inputs}::jsonb[], ${given.rests})
      with ordinality as g(id, kind, title, idempotency_key, request_hash, input, rest, place)
  )`;
}

/** In the order in which they are given: of two with one key the first is written. */
function insertedTable({ tenant }: Given): RawBuilder<Inserted['inserted']> {
  return sql`(
    insert into muster.tasks (id, tenant_id, graph_id, graph_name, task_queue, title, status, priority, user_id,
      idempotency_key, request_hash, input, concurrency_keys, input_artifact_id, start_after, due_date, deadline_at,
      recurrence, acts_for, conversation)
    select g.id, ${tenant}, k.graph_id, k.graph_name, k.task_queue, g.title, case
        when (g.rest -> 'blocked')::boolean then 'blocked'
        when (g.rest ->> 'start_after')::timestamptz > now() then 'deferred'
        else 'pending'
      end, k.priority, k.user_id, g.idempotency_key, g.request_hash, g.input, k.concurrency_keys,
      (g.rest ->> 'input_artifact_id')::uuid, (g.rest ->> 'start_after')::timestamptz,
      (g.rest ->> 'due_date')::timestamptz, (g.rest ->> 'deadline_at')::timestamptz, g.rest -> 'recurrence', k.acts_for,
      coalesce(g.rest ->> 'conversation', (
        select p.conversation from muster.tasks p where p.tenant_id = ${tenant} and p.id = (g.rest ->> 'parent')::uuid))
    from given g join kinds k on k.ord = g.kind order by g.place
    on conflict do nothing
    returning id, tenant_id, status, created_at, graph_name, user_id
  )`;
}

/** What many tasks of a batch have in common. It is sent once. */
type Kind = Pick<
  NewTask,
  'graphId' | 'graphName' | 'taskQueue' | 'priority' | 'userId' | 'concurrencyKeys' | 'actsFor'
>;

/** The kinds of a batch, and the number of each task's. */
function kindsOf(tasks: readonly NewTask[]): { kinds: readonly Kind[]; kindOf: readonly number[] } {
  const numbers = new Map<string, number>();
  const kinds: Kind[] = [];
  let number = 0;
  const kindOf = tasks.map((task, index) => {
    if (!isLike(task, tasks[index - 1])) {
      const text = kindText(task);
      number = numbers.get(text) ?? kinds.push(kindOfTask(task));
      numbers.set(text, number);
    }
    return number;
  });
  return { kinds, kindOf };
}

function kindOfTask({ graphId, graphName, taskQueue, priority, userId, concurrencyKeys, actsFor }: NewTask): Kind {
  return { graphId, graphName, taskQueue, priority, userId, concurrencyKeys, ...(actsFor && { actsFor }) };
}

/** Whether a task is of the kind of the one before, as far as can be seen at once. */
function isLike(task: Kind, before: Kind | undefined): boolean {
  return (
    before !== undefined &&
    task.concurrencyKeys === before.concurrencyKeys &&
    task.graphId === before.graphId &&
    task.taskQueue === before.taskQueue &&
    task.priority === before.priority &&
    task.userId === before.userId &&
    task.actsFor === before.actsFor
  );
}

/** No text of a task holds the separator, and no concurrency key is empty. */
function kindText({ graphId, taskQueue, priority, userId, concurrencyKeys, actsFor = [] }: Kind): string {
  return [graphId, taskQueue, priority, userId, ...concurrencyKeys, '', ...actsFor].join('\0');
}

/** What most tasks do not have; null for a task that has none of it. */
function restOf({
  input,
  startAfter,
  dueDate,
  deadlineAt,
  recurrence,
  dependsOn,
  conversation,
  parent,
}: NewTask): Json {
  const nothing =
    startAfter ?? dueDate ?? deadlineAt ?? recurrence ?? input.artifactId ?? conversation ?? parent ?? null;
  if (nothing === null && dependsOn.length === 0) return null;
  return {
    input_artifact_id: input.artifactId,
    start_after: startAfter?.toJSON() ?? null,
    due_date: dueDate?.toJSON() ?? null,
    deadline_at: deadlineAt?.toJSON() ?? null,
    ...(recurrence === null ? {} : { recurrence }),
    ...(conversation === null ? {} : { conversation }),
    ...(parent === undefined ? {} : { parent }),
    blocked: dependsOn.length > 0,
  };
}
