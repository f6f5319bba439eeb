import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type Expression, type QueryCreator, sql } from 'kysely';
import type { TaskId, TenantId } from '../../../domain/ids.ts';
import type { Json } from '../../../domain/json.ts';
import type { EffectState } from '../../../domain/system/outbox.ts';
import type { ExecutionRef } from '../../../domain/tasks/execution.ts';
import { literal } from '../../common-expressions.ts';
import { givenValue } from '../../statements/given-values.ts';
import { type Places, Statement, statements } from '../../statements/statement.ts';
import type { Tables } from '../../tables.ts';

/** Which effect of a trace. */
export interface EffectPlace {
  readonly nodeId: string;
  readonly step: string;
}

/** One effect of a node, as it is asked for. */
export interface AnnouncedEffect extends EffectPlace {
  readonly requestHash: string;
  readonly attempt: number;
  readonly whenInDoubt: 'repeat' | 'stop';
}

/** How the ledger stands for an effect, and whether its row was written just now. */
export interface EffectRow {
  readonly effectKey: string;
  readonly state: EffectState;
  readonly requestHash: string;
  readonly result: Json;
  readonly fault: string | null;
  readonly created: boolean;
}

const KNOWN = ['effectKey', 'state', 'requestHash', 'result', 'fault'] as const;

/** What an effect is known by, here and on the other side. */
export function effectKey({ taskId, traceNumber }: ExecutionRef, effect: EffectPlace): string {
  return `${taskId}/${traceNumber}${placeOf(effect)}`;
}

const PLACE = {
  tenant: givenValue<TenantId>('text'),
  taskId: givenValue<TaskId>('uuid'),
  traceNumber: givenValue<number>('int'),
  place: givenValue<string>('text'),
};

const ANNOUNCE = new Statement(
  {
    ...PLACE,
    effectKey: givenValue<string>('text'),
    requestHash: givenValue<string>('text'),
    attempt: givenValue<number>('int'),
    repeats: givenValue<boolean>('boolean'),
  },
  ({ tenant, taskId, traceNumber, place, effectKey: key, requestHash, attempt, repeats }) =>
    statements
      .with('known', (db) => knownEffect(db, { tenant, taskId, traceNumber, place, repeats }))
      .with('announced', (db) =>
        db
          .insertInto('activity_effects')
          .columns(['tenantId', 'effectKey', 'taskId', 'state', 'requestHash', 'attempt'])
          .expression(
            db
              .selectNoFrom([
                tenant.as('tenantId'),
                key.as('effectKey'),
                taskId.as('taskId'),
                literal('pending').as('state'),
                requestHash.as('requestHash'),
                attempt.as('attempt'),
              ])
              .where(({ not, exists, selectFrom }) => not(exists(selectFrom('known').select('effectKey')))),
          )
          .onConflict((conflict) => conflict.columns(['tenantId', 'effectKey']).doNothing())
          .returning(KNOWN),
      )
      .selectFrom('announced')
      .select([...KNOWN, sql.lit(true).as('created')])
      .unionAll(({ selectFrom }) => selectFrom('known').select([...KNOWN, sql.lit(false).as('created')])),
);

/** The newest row of an effect that counts: of this trace, or of an earlier one that is done, or may be repeated. */
function knownEffect(
  db: QueryCreator<Tables>,
  { tenant, taskId, traceNumber, place, repeats }: Places<typeof PLACE> & { readonly repeats: Expression<boolean> },
) {
  return db
    .selectFrom('tasks as t')
    .innerJoinLateral(
      ({ fn, lit }) =>
        fn<{ number: number }>('generate_series', [fn('greatest', ['t.effectsSince', lit(1)]), traceNumber]).as(
          'number',
        ),
      (join) => join.onTrue(),
    )
    .innerJoin('activity_effects as e', (join) =>
      join
        .on('e.tenantId', '=', tenant)
        .on(({ eb, ref }) => eb('e.effectKey', '=', inTrace(taskId, ref('number.number'), place))),
    )
    .select(KNOWN.map((name) => `e.${name}` as const))
    .where('t.id', '=', taskId)
    .where((eb) => eb.or([eb('number.number', '=', traceNumber), eb('e.state', '=', literal('done')), repeats]))
    .orderBy('number.number', 'desc')
    .limit(1);
}

const FIND = new Statement(PLACE, (given) => knownEffect(statements, { ...given, repeats: sql.lit(false) }));

/** {@link effectKey} of a trace whose number the database says. */
function inTrace(taskId: Expression<TaskId>, number: Expression<number>, place: Expression<string>) {
  return sql<string>`${taskId} || '/' || ${number} || ${place}`;
}

function placeOf({ nodeId, step }: EffectPlace): string {
  return `/${nodeId}/${step}`;
}

/**
 * What the ledger holds of an effect that must never be repeated: its row of this trace, or of an earlier one whose effects
 * count where it is done there; null for neither. By the ledger's primary key.
 */
export async function findKnownEffect(
  em: SqlEntityManager,
  { tenant, taskId, traceNumber }: ExecutionRef,
  effect: EffectPlace,
): Promise<Omit<EffectRow, 'created'> | null> {
  const [row] = await FIND.run(em, { tenant, taskId, traceNumber, place: placeOf(effect) });
  return row ?? null;
}

/**
 * Writes the row of an effect unless there is one, of this trace or of an earlier one whose effects count. By the ledger's
 * primary key; one row for each earlier trace is looked up.
 * @returns null where another attempt announced it at this very moment
 */
export async function announceEffect(
  em: SqlEntityManager,
  execution: ExecutionRef,
  effect: AnnouncedEffect,
): Promise<EffectRow | null> {
  const { requestHash, attempt, whenInDoubt } = effect;
  const { tenant, taskId, traceNumber } = execution;
  const [row] = await ANNOUNCE.run(em, {
    ...{ tenant, taskId, traceNumber, requestHash, attempt, place: placeOf(effect) },
    effectKey: effectKey(execution, effect),
    repeats: whenInDoubt === 'repeat',
  });
  return row ?? null;
}
