import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type RawBuilder, sql } from 'kysely';
import { FREE_STATES } from '../../../domain/budgets/reservation-state.ts';
import type { BudgetScope } from '../../../domain/budgets/scopes.ts';
import type { TaskId, TenantId } from '../../../domain/ids.ts';
import { literal } from '../../common-expressions.ts';
import { givenRows, givenValue } from '../../statements/given-values.ts';
import { named } from '../../statements/named-parts.ts';
import { type Places, Statement } from '../../statements/statement.ts';
import { BUDGET_STATE, type Budget } from '../budget.ts';

/** One reservation, as it is asked for. */
export interface AskedReservation {
  readonly key: string;
  readonly taskId: TaskId | null;
  readonly scopes: readonly BudgetScope[];
  readonly tokens: number;
  readonly costMicros: number;
  readonly steps: number;
  readonly process: string;
}

/** How one budget above an asked reservation stood, before it. */
export type ReservedIn = Pick<Budget, (typeof BUDGET_STATE)[number]> & {
  /** Which of the asked ones, from 1. */
  readonly ord: number;
  readonly elapsedMs: number | null;
  /** Whether it is reserved: now, or by an earlier call under its key. */
  readonly taken: boolean;
};

const GIVEN = {
  tenant: givenValue<TenantId>('text'),
  asks: givenRows<AskedReservation>({
    ...{ key: 'text', taskId: 'uuid', scopes: 'text[]', tokens: 'bigint', costMicros: 'bigint', steps: 'bigint' },
    ...{ process: 'text' },
  }),
};
type Given = Places<typeof GIVEN>;

/**
 * SQL, because it locks, decides and writes at once: two callers cannot both take the last of a budget. Rows are locked by
 * level and name, so callers that share budgets cannot wait for each other in a circle. What `locked` reads is what its
 * locks waited for; `fits` comes after all of them. By budgets_pkey and budget_reservations_pkey.
 */
const RESERVE = new Statement(GIVEN, (given) =>
  named
    .with('asks', () => given.asks)
    .with('chain', () => chainTable(given))
    .with('locked', () => lockedTable(given))
    .with('known', () => knownTable(given))
    .with('wanted', () => WANTED)
    .with('fits', () => FITS)
    .with('inserted', () => insertedTable(given))
    .with('added', () => addedTable(given))
    .main.selectFrom('chain as c')
    .innerJoin('locked as b', 'b.scope', 'c.scope')
    .innerJoin('asks as a', 'a.ord', 'c.ord')
    .leftJoin('inserted as i', 'i.key', 'a.key')
    .leftJoin('known as k', 'k.key', 'a.key')
    .select(['c.ord', 'b.elapsedMs'])
    .select(BUDGET_STATE.map((name) => `b.${name}` as const))
    .select((eb) =>
      eb
        .or([eb('i.key', 'is not', null), eb('k.key', 'is not', null)])
        .$castTo<boolean>()
        .as('taken'),
    )
    .orderBy('c.ord')
    .orderBy('b.level')
    .orderBy('b.scope'),
);

/**
 * Reserves each of these for which all budgets above it have room together with those before it: one that is refused may
 * keep others from being taken which would fit without it, and never lets one be taken that does not fit. A key that is
 * reserved already stays as it is and asks for nothing more. Above a call without a budget it finds no rows and writes none.
 */
export async function reserveBudgets(
  em: SqlEntityManager,
  tenant: TenantId,
  asks: readonly AskedReservation[],
): Promise<readonly ReservedIn[]> {
  return RESERVE.run(em, { tenant, asks });
}

/** The scopes of each call, those of the tasks that led to its own included. */
function chainTable({ tenant }: Given): RawBuilder<{ ord: number; scope: BudgetScope }> {
  return sql`(
    select a.ord, s.scope from asks a cross join lateral unnest(a.scopes) as s(scope)
    union
    select a.ord, p.scope from asks a
      join muster.budgets b on b.tenant_id = ${tenant} and b.scope = any (a.scopes)
      cross join lateral unnest(b.parents) as p(scope)
  )`;
}

type Locked = Pick<Budget, (typeof BUDGET_STATE)[number] | 'level'> & { readonly elapsedMs: number | null };

function lockedTable({ tenant }: Given): RawBuilder<Locked> {
  return sql`(
    select b.*, (extract(epoch from clock_timestamp() - b.begun_at) * 1000)::float8 as elapsed_ms from muster.budgets b
    where b.tenant_id = ${tenant} and b.scope = any (array(select scope from chain))
      and num_nonnulls(b.token_limit, b.money_limit, b.step_limit, b.time_limit_ms) > 0
    order by b.level, b.scope for update
  )`;
}

const FREE = sql.join(FREE_STATES.map(literal));

function knownTable({ tenant }: Given): RawBuilder<{ key: string }> {
  return sql`(
    select r.key from muster.budget_reservations r
    where r.tenant_id = ${tenant} and r.key = any (array(select key from asks)) and r.state not in (${FREE})
  )`;
}

/** What each scope is asked for, up to and with each of the asked ones. */
const WANTED: RawBuilder<object> = sql`(
  select c.ord, c.scope, sum(a.tokens) over up_to as tokens, sum(a.cost_micros) over up_to as money,
    sum(a.steps) over up_to as steps
  from chain c join asks a on a.ord = c.ord where a.key not in (select key from known)
  window up_to as (partition by c.scope order by c.ord)
)`;

const FITS: RawBuilder<object> = sql`(
  select w.ord, array_agg(b.scope order by b.level, b.scope) as scopes from wanted w join locked b on b.scope = w.scope
  group by w.ord
  having not coalesce(bool_or(
    b.tokens_spent + b.tokens_reserved + w.tokens > b.token_limit
      or b.money_spent + b.money_reserved + w.money > b.money_limit
      or b.steps_spent + b.steps_reserved + w.steps > b.step_limit
      or b.elapsed_ms >= b.time_limit_ms
  ), false)
)`;

/** A key that holds nothing may be reserved. */
function insertedTable({ tenant }: Given): RawBuilder<{ key: string }> {
  return sql`(
    insert into muster.budget_reservations as r
      (tenant_id, key, task_id, scopes, tokens, cost_micros, steps, state, process)
    select distinct on (a.key) ${tenant}, a.key, a.task_id, f.scopes, a.tokens, a.cost_micros, a.steps, 'held', a.process
    from asks a join fits f on f.ord = a.ord order by a.key, a.ord
    on conflict (tenant_id, key) do update
      set state = excluded.state, scopes = excluded.scopes, tokens = excluded.tokens, cost_micros = excluded.cost_micros,
        steps = excluded.steps, process = excluded.process, created_at = excluded.created_at, settled_at = null,
        looked_at = null
      where r.state in (${FREE})
    returning r.key, r.scopes, r.tokens, r.cost_micros, r.steps
  )`;
}

function addedTable({ tenant }: Given): RawBuilder<object> {
  return sql`(
    update muster.budgets b set tokens_reserved = b.tokens_reserved + d.tokens,
      money_reserved = b.money_reserved + d.money, steps_reserved = b.steps_reserved + d.steps,
      begun_at = coalesce(b.begun_at, clock_timestamp())
    from (
      select s.scope, sum(i.tokens) as tokens, sum(i.cost_micros) as money, sum(i.steps) as steps
      from inserted i cross join lateral unnest(i.scopes) as s(scope) group by s.scope
    ) d
    where b.tenant_id = ${tenant} and b.scope = d.scope
  )`;
}
