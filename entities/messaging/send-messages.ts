import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type ExpressionBuilder, type QueryCreator, sql } from 'kysely';
import type { LeaseId, TaskId } from '../../domain/ids.ts';
import type { SignedEnvelope } from '../../domain/messaging/envelope.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { OPEN_TASK_STATUSES } from '../../domain/tasks/task-status.ts';
import { givenRows, givenValue } from '../statements/given-values.ts';
import { named } from '../statements/named-parts.ts';
import { Statement } from '../statements/statement.ts';
import type { Tables } from '../tables.ts';
import { ENVELOPE_COLUMNS, ENVELOPE_FIELDS, envelopeValues } from './envelope-rows.ts';
import { ANSWERS, isLeaseOpen } from './message-expressions.ts';

/** The attempt of a node. */
export interface SendingAttempt {
  readonly execution: Pick<ExecutionRef, 'taskId' | 'fence'>;
  readonly nodeId: string;
  readonly attempt: number;
}

/** A signed message that is to be stored. */
export interface NewMessage {
  readonly envelope: SignedEnvelope;
  /** The attempt that sends it; absent for what no node sends. */
  readonly attempt?: SendingAttempt | undefined;
}

/**
 * What became of a message that was to be stored. Nothing was written but for `stored`. `known`: there is one with its id.
 * `too_deep`: it is too far behind the first of its chain. `stale`: the attempt that sends it is not the current one any
 * more. `lease_ended`: its sender may not speak any more.
 */
export type SendOutcome = 'stored' | 'known' | 'too_deep' | 'stale' | 'lease_ended';

/** An envelope, with the attempt that has to be the current one of the run in the envelope's trace. */
interface GivenMessage extends SignedEnvelope {
  readonly taskId: TaskId | null;
  readonly fence: number | null;
  readonly nodeId: string | null;
  readonly attempt: number | null;
}

const ATTEMPT_FIELDS = { taskId: 'uuid', fence: 'bigint', nodeId: 'text', attempt: 'int' } as const;

/** The tasks whose nodes send: locked, so that no claim of theirs changes before the messages are written. */
function lockedTasks(q: QueryCreator<Tables & { given: GivenMessage }>) {
  return q
    .selectFrom('tasks as t')
    .where('t.id', 'in', (eb) => eb.selectFrom('given as g').select('g.taskId').where('g.taskId', 'is not', null))
    .where('t.status', 'in', OPEN_TASK_STATUSES)
    .select(['t.id', 't.fence'])
    .orderBy('t.id')
    .forShare('t');
}

/** Their runs, locked for the same reason. A quick node has none before it ends. */
function lockedRuns(q: QueryCreator<Tables & { given: GivenMessage; claimed: { id: TaskId; fence: number } }>) {
  return q
    .selectFrom('given as g')
    .innerJoin('claimed as c', 'c.id', 'g.taskId')
    .innerJoin('agent_runs as r', (join) =>
      join.onRef('r.traceId', '=', 'g.traceId').onRef('r.nodeId', '=', 'g.nodeId'),
    )
    .select(['g.id', 'r.attempts', 'r.status'])
    .orderBy('r.id')
    .forShare('r');
}

type Judging = Tables & {
  e: GivenMessage;
  claimed: { id: TaskId; fence: number };
  runs: { id: string; attempts: number; status: string };
};

function isStale(eb: ExpressionBuilder<Judging, 'e'>) {
  const standing = eb.selectFrom('claimed as c').whereRef('c.id', '=', 'e.taskId').whereRef('c.fence', '=', 'e.fence');
  const overtaken = eb
    .selectFrom('runs as r')
    .whereRef('r.id', '=', 'e.id')
    .where((eb) => eb.or([eb('r.attempts', '<>', eb.ref('e.attempt')), eb('r.status', '<>', 'running')]));
  return eb.and([eb('e.taskId', 'is not', null), eb.or([eb.not(eb.exists(standing)), eb.exists(overtaken)])]);
}

const GIVEN = {
  messages: givenRows<GivenMessage>({ ...ENVELOPE_FIELDS, ...ATTEMPT_FIELDS }),
  lease: givenValue<LeaseId>('uuid'),
  maxHops: givenValue<number>('int'),
};

const SEND = new Statement(GIVEN, ({ messages, lease, maxHops }) =>
  named
    .with('given', () => messages)
    .with('claimed', lockedTasks)
    .with('runs', lockedRuns)
    .with('judged', (q) =>
      q
        .selectFrom('given as e')
        .leftJoin('agent_messages as cause', 'cause.id', 'e.causeId')
        .selectAll('e')
        .select((eb) => {
          const hops = eb.fn.coalesce(eb('cause.hops', '+', 1), eb.lit(0));
          const isTooDeep = eb.and([eb(hops, '>', maxHops), eb('e.type', 'not in', ANSWERS)]);
          return [
            hops.as('hops'),
            eb
              .case()
              .when(eb.not(isLeaseOpen(lease)))
              .then<SendOutcome>('lease_ended')
              .when(isStale(eb))
              .then<SendOutcome>('stale')
              .when(isTooDeep)
              .then<SendOutcome>('too_deep')
              .end()
              .as('refusal'),
          ];
        }),
    )
    .with('stored', (q) =>
      q
        .insertInto('agent_messages')
        .columns([...ENVELOPE_COLUMNS, 'hops'])
        .expression((eb) =>
          eb
            .selectFrom('judged as e')
            .select(envelopeValues)
            .select('e.hops')
            .where('e.refusal', 'is', null)
            .orderBy('e.id')
            .orderBy('e.ord'),
        )
        .onConflict((conflict) => conflict.column('id').doNothing())
        .returning('id'),
    )
    .main.selectFrom('judged as e')
    .leftJoin('stored as s', 's.id', 'e.id')
    .select((eb) => {
      const place = eb.fn.agg<number>('row_number').over((over) => over.partitionBy('e.id').orderBy('e.ord'));
      return (
        eb
          .case()
          // Of two with one id, the first was stored.
          .when(eb.and([eb('s.id', 'is not', null), eb(place, '=', sql.lit(1))]))
          .then<SendOutcome>('stored')
          .else(eb.fn.coalesce('e.refusal', eb.val<SendOutcome>('known')))
          .end()
          .as('outcome')
      );
    })
    .orderBy('e.ord'),
);

/**
 * Stores messages that one process signed, in one statement. The same id again writes nothing. A message that is more than
 * `maxHops` behind the first of its chain is left out, unless it is an answer, and so is what an attempt sends that is not
 * the current one: its task and its run are locked until the messages are committed.
 * @returns what became of each message, in their order
 */
export async function sendMessages(
  em: SqlEntityManager,
  messages: readonly NewMessage[],
  { leaseId: lease, maxHops }: { readonly leaseId: LeaseId; readonly maxHops: number },
): Promise<readonly SendOutcome[]> {
  const rows = await SEND.run(em, { messages: messages.map(givenMessage), lease, maxHops });
  return rows.map(({ outcome }) => outcome);
}

function givenMessage({ envelope, attempt: sending }: NewMessage): GivenMessage {
  if (sending === undefined) return { ...envelope, taskId: null, fence: null, nodeId: null, attempt: null };
  const { execution, nodeId, attempt } = sending;
  return { ...envelope, taskId: execution.taskId, fence: execution.fence, nodeId, attempt };
}
