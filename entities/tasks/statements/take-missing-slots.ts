import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { QueueSettings } from '../../../domain/queues/queue-settings.ts';
import { Statement } from '../../statements/statement.ts';
import { OCCUPYING, OPEN } from '../expressions.ts';
import { GIVEN_RULES, limitOf, rulesOf, ruleTables, sparesWaiting } from './claim-rules.ts';

/**
 * SQL, because it numbers what lacks a slot and what is free by windows over `generate_series`, for which the builder has
 * no words. By tasks_checked_index and concurrency_slots_task_index.
 */
const TAKE_MISSING = new Statement(
  GIVEN_RULES,
  (rules) => sql`
    with ${ruleTables(rules)}, missing as (
      select t.id, t.tenant_id, t.fence, k.key, row_number() over (partition by k.key order by t.claimed_at, t.id) as place
      from muster.tasks t cross join unnest(t.concurrency_keys) as k(key)
      where t.status in (${sql.join(OPEN)}) and ${limitOf(sql`k.key`)} is not null
        and (t.status in (${sql.join(OCCUPYING)}) or not ${sparesWaiting(sql`k.key`)})
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
    on conflict do nothing`,
);

/**
 * Lets open tasks of all tenants hold slots of keys that were not limited when they were claimed, so that a new limit
 * counts what runs already, and what waits unless it spares that. These slots may lie above the limit: it is reached again
 * by ends alone. Needs a system unit of work.
 * @returns how many were taken
 */
export function takeMissingSlots(em: SqlEntityManager, settings: QueueSettings): Promise<number> {
  return TAKE_MISSING.change(em, rulesOf(settings));
}
