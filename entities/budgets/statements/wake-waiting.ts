import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type RawBuilder, sql } from 'kysely';
import type { TaskId, TenantId } from '../../../domain/ids.ts';
import { OPEN_TASK_STATUSES } from '../../../domain/tasks/task-status.ts';
import { literal } from '../../common-expressions.ts';
import { call, column } from '../../insert-from.ts';
import { givenValue } from '../../statements/given-values.ts';
import { named } from '../../statements/named-parts.ts';
import { type Places, Statement } from '../../statements/statement.ts';
import { grantedRow, outboxRowsFrom } from '../../system/outbox-rows.ts';

/** How often somebody looks whether there is room for a call that waits. */
const LOOK_EVERY_SECONDS = 60;

const GIVEN = { limit: givenValue<number>('int') };

/**
 * SQL, because it marks what it looks at in the statement that tells those it finds room for: of several who look, one does.
 * By budget_reservations_waiting_index, agent_traces_task_number_unique and budgets_pkey.
 */
const WAKE = new Statement(GIVEN, (given) =>
  named
    .with('looked', () => lookedTable(given))
    .with('fitting', () => FITTING)
    .with('told', () =>
      outboxRowsFrom(
        { from: 'fitting', groupBy: column('tenant_id') },
        grantedRow(call('jsonb_agg', column('task_id'))),
      ),
    )
    .main.selectFrom('fitting')
    .select('taskId'),
);

/**
 * Looks once a minute at each call that waits for budgets, and has the relay tell the tasks of those for which all of them
 * have room by now: what a call gave back makes room too, and what a grant told may be lost. Needs a system unit of work.
 * @returns how many tasks are told
 */
export async function wakeWaiting(em: SqlEntityManager, limit: number): Promise<number> {
  return (await WAKE.run(em, { limit })).length;
}

function lookedTable({ limit }: Places<typeof GIVEN>): RawBuilder<object> {
  return sql`(
    update muster.budget_reservations r set looked_at = now()
    from (
      select w.tenant_id, w.key from muster.budget_reservations w
      where w.state = 'waiting' and w.looked_at < now() - make_interval(secs => ${sql.lit(LOOK_EVERY_SECONDS)})
      order by w.looked_at limit ${limit} for update skip locked
    ) due
    where r.tenant_id = due.tenant_id and r.key = due.key
    returning r.tenant_id, r.key, r.task_id, r.scopes, r.tokens, r.cost_micros, r.steps
  )`;
}

/** Those of a trace that has ended wait for nothing, also where a redrive has opened the task again. */
const FITTING: RawBuilder<{ tenantId: TenantId; taskId: TaskId }> = sql`(
  select distinct l.tenant_id, l.task_id from looked l join muster.tasks t on t.id = l.task_id
  where t.status in (${sql.join(OPEN_TASK_STATUSES.map(literal))}) and not exists (
    select from muster.agent_traces a
    where a.task_id = l.task_id and a.id::text = split_part(l.key, '/', 1) and a.finished_at is not null
  ) and not exists (
    select from muster.budgets b
    where b.tenant_id = l.tenant_id and b.scope = any (l.scopes) and (
      b.tokens_spent + b.tokens_reserved + l.tokens > b.token_limit
        or b.money_spent + b.money_reserved + l.cost_micros > b.money_limit
        or b.steps_spent + b.steps_reserved + l.steps > b.step_limit
        or b.begun_at + make_interval(secs => b.time_limit_ms / 1000.0) <= clock_timestamp()
    )
  )
)`;
