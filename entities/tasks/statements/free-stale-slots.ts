import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { QueueSettings } from '../../../domain/queues/queue-settings.ts';
import { OCCUPYING, OPEN } from '../expressions.ts';
import { ruleTables, sparesWaiting } from './claim-rules.ts';

/**
 * See `SlotRepository.freeStale`. SQL, because its conditions are those of the claim. It reads all slots, and their tasks
 * by tasks_pkey.
 * @returns how many
 */
export async function freeStaleSlots(em: SqlEntityManager, settings: QueueSettings): Promise<number> {
  const result = await sql`
    with ${ruleTables(settings)}
    delete from muster.concurrency_slots s using muster.tasks t
    where t.id = s.task_id and (t.status not in (${sql.join(OPEN)}) or t.fence <> s.fence
      or t.status not in (${sql.join(OCCUPYING)}) and ${sparesWaiting(sql`s.key`)})`.execute(em.getKysely());
  return Number(result.numAffectedRows ?? 0);
}
