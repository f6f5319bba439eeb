import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type RawBuilder, sql } from 'kysely';
import type { TaskId } from '../../../domain/ids.ts';
import type { QueueSettings } from '../../../domain/queues/queue-settings.ts';
import { PRIORITY_BANDS } from '../../../domain/tasks/priority.ts';
import { givenList, givenValue } from '../../statements/given-values.ts';
import { type Places, Statement } from '../../statements/statement.ts';
import type { Claimant, ReadyTurn } from '../claimant.ts';
import { bandRuns, GIVEN_RULES, hasRoom, isHosted, isInBand, rulesOf, ruleTables } from './claim-rules.ts';

const GIVEN = {
  ...GIVEN_RULES,
  taskQueue: givenValue<string>('text'),
  handlers: givenList<string>('text'),
  limit: givenValue<number>('int'),
  ageingSeconds: givenValue<number>('float8'),
};
type Given = Places<typeof GIVEN>;

function readyWhere(condition: RawBuilder<boolean>, given: Given): RawBuilder<unknown> {
  return sql`(
    select t.id, t.created_at from muster.tasks t
    where t.status = 'pending' and t.task_queue = ${given.taskQueue} and ${condition}
      and ${bandRuns('t', given)} and ${hasRoom('t')} and ${isHosted('t', given.handlers)}
    order by t.priority, t.created_at, t.id limit ${given.limit})`;
}

/** The bands one after the other, the lowest first. */
function bands(given: Given): RawBuilder<unknown> {
  const each = PRIORITY_BANDS.toReversed().map((band) => readyWhere(isInBand('t', band), given));
  return sql`(${sql.join(each, sql` union all `)})`;
}

function oldest(given: Given): RawBuilder<unknown> {
  return sql`(select * from ${bands(given)} b
    where b.created_at < now() - make_interval(secs => ${given.ageingSeconds}) order by b.created_at)`;
}

function ready(found: (given: Given) => RawBuilder<unknown>) {
  return new Statement(
    GIVEN,
    (given) => sql<{ id: TaskId }>`
      with ${ruleTables(given)} select r.id from ${found(given)} r limit ${given.limit}`,
  );
}

/**
 * See `ClaimRepository.ready`. SQL, because the conditions are those of the claim. By tasks_claim_index, which gives each
 * band's tasks in their order, so that no more are read than are wanted.
 */
const READY: Readonly<Record<ReadyTurn, ReturnType<typeof ready>>> = {
  highest: ready((given) => readyWhere(sql<boolean>`true`, given)),
  lowest: ready(bands),
  longest: ready(oldest),
  urgent: ready((given) => readyWhere(isInBand('t', 'high'), given)),
};

export async function readyTasks(
  em: SqlEntityManager,
  claimant: Pick<Claimant, 'taskQueue' | 'handlers'>,
  { settings, limit, turn }: { readonly settings: QueueSettings; readonly limit: number; readonly turn: ReadyTurn },
): Promise<TaskId[]> {
  const { ageingSeconds } = settings;
  const rows = await READY[turn].run(em, { ...rulesOf(settings), ...claimant, limit, ageingSeconds });
  return rows.map(({ id }) => id);
}
