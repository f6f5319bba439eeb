import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { QueueSettings } from '../../../domain/queues/queue-settings.ts';
import { Statement } from '../../statements/statement.ts';
import { OCCUPYING, OPEN } from '../expressions.ts';
import { GIVEN_RULES, rulesOf, ruleTables, sparesWaiting } from './claim-rules.ts';

/** SQL, because its conditions are those of the claim. It reads all slots, and their tasks by tasks_pkey. */
const FREE_STALE = new Statement(
  GIVEN_RULES,
  (rules) => sql`
    with ${ruleTables(rules)}
    delete from muster.concurrency_slots s using muster.tasks t
    where t.id = s.task_id and (t.status not in (${sql.join(OPEN)}) or t.fence <> s.fence
      or t.status not in (${sql.join(OCCUPYING)}) and ${sparesWaiting(sql`s.key`)})`,
);

/**
 * Frees what no open claim holds, and what waiting tasks hold of keys that spare them, of all tenants. Claims, waits and
 * ends keep slots right by themselves, so whatever this finds was left by a change from outside, or of the settings.
 * Needs a system unit of work.
 * @returns how many
 */
export function freeStaleSlots(em: SqlEntityManager, settings: QueueSettings): Promise<number> {
  return FREE_STALE.change(em, rulesOf(settings));
}
