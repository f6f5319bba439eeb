import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { TaskId } from '../../../domain/ids.ts';
import type { QueueSettings } from '../../../domain/queues/queue-settings.ts';
import type { ExecutionRef } from '../../../domain/tasks/execution.ts';
import { isOccupyingTaskStatus, type OpenTaskStatus } from '../../../domain/tasks/task-status.ts';
import { givenValue } from '../../statements/given-values.ts';
import { Statement } from '../../statements/statement.ts';
import { OPEN } from '../expressions.ts';
import { GIVEN_RULES, limitOf, rulesOf, ruleTables, sparesWaiting } from './claim-rules.ts';

/** Where an open task goes. */
export interface OpenMove {
  readonly execution: Pick<ExecutionRef, 'taskId' | 'fence'>;
  readonly status: OpenTaskStatus;
  /** The worker whose dispatcher counts the task from now on; null for one that waits. */
  readonly workerId: string | null;
}

/** An open task after its move. */
export interface MovedTask {
  /** Whether its status was another one before. */
  readonly isNew: boolean;
  /** The concurrency keys of which it holds slots. */
  readonly slots: readonly string[];
}

/** Each repetition means that somebody else took a slot at the same moment, and is there to be counted the next time. */
const MAX_ATTEMPTS = 20;

/**
 * Moves an open task between its open statuses under its claim's fence, and with it its slots: one that waits frees those
 * of keys that spare waiting tasks, one that continues takes those that it lacks. These are the lowest free ones, as claims
 * take them, so that a limit stays exact; where none is free it takes one above the limit, which counts as held, so that
 * what continues waits for nobody and nothing starts until the limit is reached again by ends. Needs a system unit of work:
 * slots of graphs and agents are counted over all tenants. Repeating it changes nothing.
 *
 * @returns null when the task has ended or was claimed again
 */
export async function moveOpenTask(
  em: SqlEntityManager,
  { execution, status, workerId }: OpenMove,
  settings: QueueSettings,
): Promise<MovedTask | null> {
  const { taskId, fence } = execution;
  const move = { taskId, fence, status, workerId, occupies: isOccupyingTaskStatus(status) };
  for (let attempt = 1; ; attempt += 1) {
    const [moved] = await MOVE.run(em, { ...rulesOf(settings), ...move });
    if (moved === undefined) return null;
    const { lacking, ...task } = moved;
    if (lacking === 0 || attempt >= MAX_ATTEMPTS) return task;
  }
}

/**
 * SQL, because one statement decides by the locked row and by slots of others, and writes both. By tasks_pkey and
 * concurrency_slots_task_index. A slot that another transaction takes first is left out, and `lacking` counts it.
 */
const MOVE = new Statement(
  {
    ...GIVEN_RULES,
    taskId: givenValue<TaskId>('uuid'),
    fence: givenValue<number>('bigint'),
    status: givenValue<OpenTaskStatus>('text'),
    occupies: givenValue<boolean>('boolean'),
    workerId: givenValue<string | null>('text'),
  },
  (given) => sql<MovedTask & { readonly lacking: number }>`
    with ${ruleTables(given)}, before as (
      select id, tenant_id, fence, status, concurrency_keys from muster.tasks
      where id = ${given.taskId} and fence = ${given.fence} and status in (${sql.join(OPEN)}) for update
    ), moved as (
      update muster.tasks t set status = ${given.status},
        claimed_by = coalesce(${given.workerId}, t.claimed_by)
      from before b where t.id = b.id
    ), held as (
      select s.key from before b join muster.concurrency_slots s on s.task_id = b.id
    ), freed as (
      delete from muster.concurrency_slots s using before b
      where s.task_id = b.id and not ${given.occupies} and ${sparesWaiting(sql`s.key`)} returning s.key
    ), missing as (
      select b.id, b.tenant_id, b.fence, k.key from before b cross join unnest(b.concurrency_keys) as k(key)
      where ${given.occupies} and ${limitOf(sql`k.key`)} is not null and k.key not in (select h.key from held h)
    ), taken as (
      insert into muster.concurrency_slots (key, slot, task_id, tenant_id, fence)
      select m.key, (
        select min(g.slot)
        from generate_series(1, 1 + (select count(*) from muster.concurrency_slots s where s.key = m.key)) as g(slot)
        where not exists (select from muster.concurrency_slots s where s.key = m.key and s.slot = g.slot)
      ), m.id, m.tenant_id, m.fence
      from missing m order by 1, 2
      on conflict do nothing returning key
    )
    select b.status <> ${given.status} as is_new,
      array(select h.key from held h where h.key not in (select f.key from freed f)
        union all select k.key from taken k order by 1) as slots,
      (select count(*) from missing)::int - (select count(*) from taken)::int as lacking
    from before b`,
);
