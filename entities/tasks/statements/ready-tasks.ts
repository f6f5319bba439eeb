import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type RawBuilder, sql } from 'kysely';
import type { TaskId } from '../../../domain/ids.ts';
import type { QueueSettings } from '../../../domain/queues/queue-settings.ts';
import { PRIORITY_BANDS } from '../../../domain/tasks/priority.ts';
import type { Claimant, ReadyTurn } from '../claimant.ts';
import { bandRuns, hasRoom, isHosted, isInBand, ruleTables } from './claim-rules.ts';

/**
 * See `ClaimRepository.ready`. SQL, because its conditions are those of the claim. By tasks_claim_index, which gives each
 * band's tasks in their order, so that no more are read than are wanted.
 */
export async function readyTasks(
  em: SqlEntityManager,
  { taskQueue, handlers }: Pick<Claimant, 'taskQueue' | 'handlers'>,
  { settings, limit, turn }: { readonly settings: QueueSettings; readonly limit: number; readonly turn: ReadyTurn },
): Promise<TaskId[]> {
  const readyWhere = (condition: RawBuilder<boolean>) => sql`(
    select t.id, t.created_at from muster.tasks t
    where t.status = 'pending' and t.task_queue = ${taskQueue} and ${condition}
      and ${bandRuns('t', settings)} and ${hasRoom('t')} and ${isHosted('t', { handlers })}
    order by t.priority, t.created_at, t.id limit ${limit})`;
  const bands = sql.join(
    PRIORITY_BANDS.toReversed().map((band) => readyWhere(isInBand('t', band))),
    sql` union all `,
  );
  const oldest = sql`select * from (${bands}) b
    where b.created_at < now() - make_interval(secs => ${settings.ageingSeconds}) order by b.created_at`;
  const found = { highest: readyWhere(sql<boolean>`true`), lowest: sql`(${bands})`, longest: sql`(${oldest})` }[turn];
  const result = await sql<{ id: TaskId }>`
    with ${ruleTables(settings)} select r.id from ${found} r limit ${limit}`.execute(em.getKysely());
  return result.rows.map((row) => row.id);
}
