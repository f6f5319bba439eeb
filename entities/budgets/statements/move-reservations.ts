import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type RawBuilder, sql } from 'kysely';
import { DEAD_AFTER_SECONDS } from '../../../domain/agents/liveness.ts';
import {
  type BudgetReservationState,
  RESERVED_STATES,
  SPENT_STATES,
} from '../../../domain/budgets/reservation-state.ts';
import { SYSTEM_TENANT } from '../../../domain/ids.ts';
import { literal } from '../../common-expressions.ts';
import { givenRows, givenValue } from '../../statements/given-values.ts';
import { named } from '../../statements/named-parts.ts';
import { Statement } from '../../statements/statement.ts';

/** Reservations that change their state: from which to which, and their amounts before and after. */
interface Moved {
  readonly tenantId: string;
  readonly key: string;
  readonly newState: BudgetReservationState;
  readonly newTokens: number;
  readonly newCost: number;
  readonly newSteps: number;
}

type Amount = 'tokens' | 'cost' | 'steps';

/** How a sum of budgets changes: what its states counted before, and what they count now. */
function change(amount: Amount, states: readonly BudgetReservationState[]): RawBuilder<number> {
  const list = sql.join(states.map(literal));
  const [before, after] = [sql.ref(`m.old_${amount}`), sql.ref(`m.new_${amount}`)];
  return sql`sum(case when m.new_state in (${list}) then ${after} else 0 end
    - case when m.old_state in (${list}) then ${before} else 0 end)`;
}

/**
 * SQL, because sums and reservations change together: no moment shows one without the other. Reservations are locked
 * before budgets, and these by level and name, as where they are reserved. By budgets_pkey.
 */
const changedTable: RawBuilder<object> = sql`(
  update muster.budgets b set tokens_reserved = b.tokens_reserved + d.tokens_reserved,
    money_reserved = b.money_reserved + d.money_reserved, steps_reserved = b.steps_reserved + d.steps_reserved,
    tokens_spent = b.tokens_spent + d.tokens_spent, money_spent = b.money_spent + d.money_spent,
    steps_spent = b.steps_spent + d.steps_spent
  from (
    select m.tenant_id, s.scope,
      ${change('tokens', RESERVED_STATES)} as tokens_reserved, ${change('cost', RESERVED_STATES)} as money_reserved,
      ${change('steps', RESERVED_STATES)} as steps_reserved, ${change('tokens', SPENT_STATES)} as tokens_spent,
      ${change('cost', SPENT_STATES)} as money_spent, ${change('steps', SPENT_STATES)} as steps_spent
    from moved m cross join lateral unnest(m.scopes) as s(scope) group by m.tenant_id, s.scope
  ) d join (
    select k.tenant_id, k.scope from muster.budgets k
    where (k.tenant_id, k.scope) in (select m.tenant_id, unnest(m.scopes) from moved m)
    order by k.tenant_id, k.level, k.scope for update
  ) locked on locked.tenant_id = d.tenant_id and locked.scope = d.scope
  where b.tenant_id = d.tenant_id and b.scope = d.scope
)`;

const moving = (moved: RawBuilder<Moved>) =>
  named
    .with('moved', () => moved)
    .with('changed', () => changedTable)
    .main.updateTable('budget_reservations as r')
    .from('moved as m')
    .set((eb) => ({
      state: eb.ref('m.newState'),
      tokens: eb.ref('m.newTokens'),
      costMicros: eb.ref('m.newCost'),
      steps: eb.ref('m.newSteps'),
      settledAt: eb.fn<Date>('now'),
    }))
    .whereRef('r.tenantId', '=', 'm.tenantId')
    .whereRef('r.key', '=', 'm.key');

const MOVE = new Statement(
  {
    moves: givenRows<ReservationMove>({
      ...{ key: 'text', state: 'text', tokens: 'bigint', costMicros: 'bigint', steps: 'bigint' },
    }),
  },
  ({ moves }) =>
    moving(sql`(
      select r.tenant_id, r.key, r.scopes, r.state as old_state, g.state as new_state, r.tokens as old_tokens,
        r.cost_micros as old_cost, r.steps as old_steps, coalesce(g.tokens, r.tokens) as new_tokens,
        coalesce(g.cost_micros, r.cost_micros) as new_cost, coalesce(g.steps, r.steps) as new_steps
      from ${moves} g join muster.budget_reservations r on r.key = g.key
      where r.state <> 'settled' and r.state <> g.state order by r.key for update of r
    )`),
);

/** How one reservation ends; null amounts leave its estimate. */
export interface ReservationMove {
  readonly key: string;
  readonly state: Extract<BudgetReservationState, 'settled' | 'released'>;
  readonly tokens: number | null;
  readonly costMicros: number | null;
  readonly steps: number | null;
}

/** Ends reservations of the unit's tenant that are not settled. By budget_reservations_pkey. @param moves one for each key */
export async function moveReservations(em: SqlEntityManager, moves: readonly ReservationMove[]): Promise<void> {
  await MOVE.change(em, { moves });
}

/** A call takes five minutes at most; what its task still holds after its end belongs to nobody. */
const ENDED_FOR_SECONDS = 330;

const OF_ENDED_TASK: RawBuilder<boolean> = sql`exists (
  select from muster.tasks t
  where t.id = r.task_id and t.completed_at < now() - make_interval(secs => ${sql.lit(ENDED_FOR_SECONDS)})
)`;

/** By budget_reservations_open_index, budget_reservations_waiting_index and agent_leases_open_index. */
const MOVE_DEAD = new Statement({ limit: givenValue<number>('int') }, ({ limit }) =>
  moving(sql`(
    select r.tenant_id, r.key, r.scopes, r.state as old_state,
      case r.state when 'begun' then 'in_doubt' else 'released' end as new_state,
      r.tokens as old_tokens, r.cost_micros as old_cost, r.steps as old_steps,
      r.tokens as new_tokens, r.cost_micros as new_cost, r.steps as new_steps
    from muster.budget_reservations r
    where r.state in ('held', 'begun') and r.created_at < now() - make_interval(secs => ${sql.lit(DEAD_AFTER_SECONDS)})
      and (not exists (
        select from muster.agent_leases l
        where l.tenant_id in (r.tenant_id, ${literal(SYSTEM_TENANT)}) and l.process = r.process and l.ended_at is null
          and l.renewed_at > now() - make_interval(secs => ${sql.lit(DEAD_AFTER_SECONDS)})
      ) or ${OF_ENDED_TASK})
      or r.state = 'waiting' and ${OF_ENDED_TASK}
    order by r.tenant_id, r.key limit ${limit} for update of r skip locked
  )`),
);

/**
 * Ends what processes hold that have no lease any more, and what ended tasks still hold or wait for: held ones return, and those whose
 * call may have begun stay charged. Needs a system unit of work.
 * @returns how many
 */
export function moveDeadReservations(em: SqlEntityManager, limit: number): Promise<number> {
  return MOVE_DEAD.change(em, { limit });
}
