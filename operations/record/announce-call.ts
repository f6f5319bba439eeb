import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { QueryCreator, RawBuilder } from 'kysely';
import { RESERVED_STATES } from '../../domain/budgets/reservation-state.ts';
import type { TaskId, TenantId, TraceId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import type { ContextReport } from '../../domain/models/context-budget.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import { literal, now } from '../../entities/common-expressions.ts';
import { givenValue } from '../../entities/statements/given-values.ts';
import { named } from '../../entities/statements/named-parts.ts';
import { type Places, Statement, statements } from '../../entities/statements/statement.ts';
import type { Tables } from '../../entities/tables.ts';
import type { ClaimedStep } from './model-calls.ts';

/** A model call that is about to be made. */
export interface AnnouncedCall extends ClaimedStep {
  /** The claim of the row as it was read; null where there was none. */
  readonly after: string | null;
  readonly agent: string;
  readonly model: string;
  readonly requestHash: string;
  /** What of the conversation the request holds. */
  readonly context: ContextReport | null;
  /** The process that makes it. */
  readonly process: string;
  /** The key of its budget reservation, which begins with it; null where nothing above has a budget. */
  readonly reservation: string | null;
}

const GIVEN = {
  tenantId: givenValue<TenantId>('text'),
  traceId: givenValue<TraceId>('uuid'),
  path: givenValue<RunPath>('text'),
  step: givenValue<number>('int'),
  taskId: givenValue<TaskId>('uuid'),
  agent: givenValue<string>('text'),
  model: givenValue<string>('text'),
  requestHash: givenValue<string>('text'),
  claim: givenValue<string>('uuid'),
  after: givenValue<string | null>('uuid'),
  process: givenValue<string>('text'),
  context: givenValue<Json>('jsonb'),
  reservation: givenValue<string | null>('text'),
};
type Given = Places<typeof GIVEN>;

/** The call as somebody else has announced it since it was read, or as it was answered. */
function rival({ tenantId, traceId, path, step, claim, after }: Given) {
  return statements
    .selectFrom('model_calls as c')
    .where('c.tenantId', '=', tenantId)
    .where('c.traceId', '=', traceId)
    .where('c.path', '=', path)
    .where('c.step', '=', step)
    .where((eb) =>
      eb.or([
        eb('c.state', '=', literal('done')),
        eb.and([eb('c.claim', '<>', claim), eb('c.claim', 'is distinct from', after)]),
      ]),
    )
    .select('c.step');
}

/** From now on the death of the process leaves the call charged. What a rival has announced stays theirs. */
function begun(given: Given) {
  return (q: QueryCreator<Tables>) =>
    q
      .updateTable('budget_reservations')
      .set({ state: literal('begun'), process: given.process })
      .where('tenantId', '=', given.tenantId)
      .where('key', '=', given.reservation)
      .where('state', 'in', RESERVED_STATES)
      .where((eb) => eb.not(eb.exists(rival(given))))
      .returning('key');
}

function announced(given: Given) {
  const { claim, after, reservation, process, requestHash } = given;
  const { tenantId, traceId, path, step, taskId, agent, model, context } = given;
  const row = { tenantId, traceId, path, step, taskId, agent, model, requestHash, claim, process, context };
  const names = Object.keys(row) as (keyof typeof row)[];
  const cells: Readonly<Record<string, RawBuilder<unknown>>> = { ...row, state: literal('pending') };
  return (q: QueryCreator<Tables & { begun: { key: string } }>) =>
    q
      .insertInto('model_calls')
      .columns([...names, 'state'])
      .expression(
        q
          .selectNoFrom(Object.entries(cells).map(([name, cell]) => cell.as(name)))
          .where((eb) => eb.or([eb(reservation, 'is', null), eb.exists(eb.selectFrom('begun').select('key'))])),
      )
      .onConflict((conflict) =>
        conflict
          .columns(['tenantId', 'traceId', 'path', 'step'])
          .doUpdateSet((eb) => ({
            ...{ state: 'pending', claim, process, requestHash, startedAt: now() },
            attempts: eb(
              'model_calls.attempts',
              '+',
              eb.case().when('model_calls.claim', '=', claim).then(0).else(1).end(),
            ),
            context: eb.ref('excluded.context'),
          }))
          .where('model_calls.state', 'in', ['pending', 'left', 'failed'])
          .where((eb) => eb.or([eb('model_calls.claim', '=', claim), eb('model_calls.claim', '=', after)])),
      )
      .returning('model_calls.attempts');
}

const ANNOUNCE = new Statement(GIVEN, (given) =>
  named
    .with('begun', begun(given))
    .with('announced', announced(given))
    .main.selectNoFrom((eb) => [
      eb.selectFrom('announced').select('attempts').as('times'),
      eb
        .or([
          eb(given.reservation, 'is', null),
          eb.exists(eb.selectFrom('begun').select('key')),
          eb.exists(rival(given)),
        ])
        .$castTo<boolean>()
        .as('isReserved'),
    ]),
);

/**
 * Announces a model call before it is made, or again after one that failed or is repeated in doubt, and begins its budget
 * reservation: one statement. Repeating it under the same claim changes nothing.
 * @returns how often the call has been announced. `overtaken`: it is done, or somebody else has announced it meanwhile.
 * `unreserved`: its reservation has ended
 */
export async function announceCall(
  em: SqlEntityManager,
  { execution, context, ...call }: AnnouncedCall,
): Promise<number | 'overtaken' | 'unreserved'> {
  const { tenant: tenantId, traceId, taskId } = execution;
  const values = { ...call, tenantId, traceId, taskId, context: context as unknown as Json };
  const [{ times = null, isReserved = true } = {}] = await ANNOUNCE.run(em, values);
  return times ?? (isReserved ? 'overtaken' : 'unreserved');
}
