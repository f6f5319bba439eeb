import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { TaskId } from '../../domain/ids.ts';
import type { QueueSettings } from '../../domain/queues/queue-settings.ts';
import { OCCUPYING_TASK_STATUSES, OPEN_TASK_STATUSES } from '../../domain/tasks/task-status.ts';
import { limitOf, ruleTables, sparesWaiting } from './claim-rules.ts';

/** The slots of all concurrency keys, as one task queue sees them. */
export interface HeldSlots {
  /** Those of tasks of the task queue. */
  readonly here: readonly { readonly key: string; readonly taskId: TaskId }[];
  /** How many of each key are held by tasks of other task queues. Keys with none are left out. */
  readonly elsewhere: ReadonlyMap<string, number>;
}

const OPEN = sql.join(OPEN_TASK_STATUSES.map((status) => sql.lit(status)));
const OCCUPYING = sql.join(OCCUPYING_TASK_STATUSES.map((status) => sql.lit(status)));

/** Slots of concurrency keys, of all tenants. Needs a system unit of work. Every method is one statement. */
export class SlotRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  async held(taskQueue: string): Promise<HeldSlots> {
    const result = await sql<{ key: string; task_id: TaskId | null; count: number }>`
      select s.key, case when t.task_queue = ${taskQueue} then s.task_id end as task_id, count(*)::int as count
      from muster.concurrency_slots s join muster.tasks t on t.id = s.task_id group by 1, 2`.execute(
      this.#em.getKysely(),
    );
    const elsewhere = result.rows.filter((row) => row.task_id === null);
    return {
      here: result.rows.flatMap(({ key, task_id: taskId }) => (taskId === null ? [] : [{ key, taskId }])),
      elsewhere: new Map(elsewhere.map((row) => [row.key, row.count])),
    };
  }

  /**
   * Frees what no open claim holds, and what waiting tasks hold of keys that spare them. Claims, waits and ends keep
   * slots right by themselves, so whatever this finds was left by a change from outside, or of the settings.
   * @returns how many
   */
  async freeStale(settings: QueueSettings): Promise<number> {
    const result = await sql`
      with ${ruleTables(settings)}
      delete from muster.concurrency_slots s using muster.tasks t
      where t.id = s.task_id and (t.status not in (${OPEN}) or t.fence <> s.fence
        or t.status not in (${OCCUPYING}) and ${sparesWaiting(sql`s.key`)})`.execute(this.#em.getKysely());
    return Number(result.numAffectedRows ?? 0);
  }

  /**
   * Lets open tasks hold slots of keys that were not limited when they were claimed, so that a new limit counts what
   * runs already, and what waits unless it spares that. These slots may lie above the limit: it is reached again by ends alone.
   * @returns how many were taken
   */
  async takeMissing(settings: QueueSettings): Promise<number> {
    const result = await sql`
      with ${ruleTables(settings)}, missing as (
        select t.id, t.tenant_id, t.fence, k.key, row_number() over (partition by k.key order by t.claimed_at, t.id) as place
        from muster.tasks t cross join unnest(t.concurrency_keys) as k(key)
        where t.status in (${OPEN}) and ${limitOf(sql`k.key`)} is not null
          and (t.status in (${OCCUPYING}) or not ${sparesWaiting(sql`k.key`)})
          and not exists (select from muster.concurrency_slots s where s.task_id = t.id and s.key = k.key)
      ), keys as (
        select m.key, count(*) as wanted,
          (select count(*) from muster.concurrency_slots s where s.key = m.key) as held
        from missing m group by m.key
      ), free as (
        select k.key, g.slot, row_number() over (partition by k.key order by g.slot) as place
        from keys k cross join generate_series(1, k.held + k.wanted) as g(slot)
        where not exists (select from muster.concurrency_slots s where s.key = k.key and s.slot = g.slot)
      )
      insert into muster.concurrency_slots (key, slot, task_id, tenant_id, fence)
      select m.key, f.slot, m.id, m.tenant_id, m.fence from missing m join free f on f.key = m.key and f.place = m.place
      order by 1, 2
      on conflict do nothing`.execute(this.#em.getKysely());
    return Number(result.numAffectedRows ?? 0);
  }
}
