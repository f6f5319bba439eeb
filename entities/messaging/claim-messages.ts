import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type Expression, type ExpressionBuilder, type QueryCreator, type SqlBool, sql } from 'kysely';
import type { AgentId, LeaseId, MessageId } from '../../domain/ids.ts';
import { MAX_DELIVERIES } from '../../domain/messaging/message-status.ts';
import { literal, now } from '../common-expressions.ts';
import { givenRows, givenValue } from '../statements/given-values.ts';
import { named } from '../statements/named-parts.ts';
import { Statement } from '../statements/statement.ts';
import { inMs } from '../statements/time-expressions.ts';
import type { Tables } from '../tables.ts';
import { ANSWERS, isFree, isLeaseOpen, isLive, type Message, UNENDED } from './message-expressions.ts';
import { readStored, type StoredMessage, type StoredRow, storedMessages } from './stored-message.ts';

/** Whose messages to take, how many, and for how long. */
export interface MailboxClaim {
  /** The most for each agent. */
  readonly quotas: readonly Box[];
  /** Written beside the claim: the process. */
  readonly owner: string;
  /** The lease of the process: once it has ended, nothing is given out under it. */
  readonly leaseId: LeaseId;
  readonly leaseMs: number;
}

/** What was taken. */
export interface Claimed {
  readonly messages: readonly StoredMessage[];
  /** Whether there may be more than was looked at. Where nothing was taken, others may wait behind blocked senders. */
  readonly isFull: boolean;
}

/** Deep enough that a mailbox with a few blocked senders still finds the others' messages. */
const WINDOW = 256;
export const WHOLE_MAILBOX = 1_000_000;

const isDeliverable = (eb: ExpressionBuilder<Message, 'm'>) =>
  eb.and([eb('m.availableAt', '<=', now()), eb('m.attempts', '<', sql.lit(MAX_DELIVERIES))]);

/** Gives the messages of the statement's table `taken` to the process. */
const leaseTaken =
  ({ owner, leaseMs }: { owner: Expression<string>; leaseMs: Expression<number> }) =>
  (q: QueryCreator<Tables & { taken: { timestamp: Date; id: MessageId } }>) =>
    q
      .updateTable('agent_messages as m')
      .from('taken as t')
      .set((eb) => ({
        status: 'leased',
        leaseOwner: owner,
        fence: eb('m.fence', '+', 1),
        attempts: eb('m.attempts', '+', 1),
        leasedUntil: inMs(leaseMs),
      }))
      .whereRef('t.timestamp', '=', 'm.timestamp')
      .whereRef('t.id', '=', 'm.id')
      .returningAll('m');

type Box = { readonly agentId: AgentId; readonly quota: number };
type Waiting = Pick<Message['m'], 'toAgentId' | 'priority' | 'timestamp' | 'id'> & { sender: string | null };

/** Whether it holds for a message and for all those ahead of it in its group. */
const allInGroup = (eb: ExpressionBuilder<{ c: Waiting }, 'c'>, holds: Expression<SqlBool>) =>
  eb.fn
    .agg<boolean>('bool_and', [holds])
    .over((over) => over.partitionBy(['c.toAgentId', 'c.sender', 'c.priority']).orderBy('c.timestamp').orderBy('c.id'));

const CLAIM_FIELDS = {
  quotas: givenRows<Box>({ agentId: 'uuid', quota: 'int' }),
  lease: givenValue<LeaseId>('uuid'),
  owner: givenValue<string>('text'),
  leaseMs: givenValue<number>('float8'),
};

/** The first messages of each mailbox, and whether they can be given out. By agent_messages_waiting_index. */
const candidates = (window: Expression<number>) => (q: QueryCreator<Tables & { boxes: Box }>) =>
  q
    .selectFrom('boxes as b')
    .innerJoinLateral(
      (eb) =>
        eb
          .selectFrom('agent_messages as m')
          .select(['m.timestamp', 'm.id', 'm.toAgentId', 'm.priority'])
          .select((eb) => [
            eb.fn.coalesce('m.fromAgentId', 'm.leaseId').as('sender'),
            eb.and([isFree(eb), isDeliverable(eb)]).as('isReady'),
          ])
          .whereRef('m.toAgentId', '=', 'b.agentId')
          .where('m.status', 'in', UNENDED)
          .where('m.messageType', 'not in', ANSWERS)
          .where(isLive)
          .orderBy('m.priority')
          .orderBy('m.timestamp')
          .orderBy('m.id')
          .limit(window)
          .as('m'),
      (join) => join.onTrue(),
    )
    .selectAll('m')
    .select('b.quota');

/** The place of a message in its mailbox. */
const place = (eb: ExpressionBuilder<{ c: Waiting }, 'c'>) =>
  eb.fn
    .agg<number>('row_number')
    .over((over) => over.partitionBy('c.toAgentId').orderBy('c.priority').orderBy('c.timestamp').orderBy('c.id'));

const CLAIM = new Statement(
  { ...CLAIM_FIELDS, window: givenValue<number>('int') },
  ({ quotas, lease, window, ...claim }) =>
    named
      .with('boxes', () => quotas)
      .with('candidates', candidates(window))
      .with('grouped', (q) =>
        q
          .selectFrom('candidates as c')
          .selectAll()
          .select((eb) => allInGroup(eb, eb.ref('c.isReady')).as('isNext')),
      )
      .with('placed', (q) =>
        q
          .selectFrom('grouped as c')
          .selectAll()
          .select((eb) => place(eb).as('place'))
          .where('c.isNext', '=', true),
      )
      .with('chosen', (q) => q.selectFrom('placed as c').selectAll().whereRef('c.place', '<=', 'c.quota'))
      .with('locked', (q) =>
        q
          .selectFrom('agent_messages as m')
          .innerJoin('chosen as c', (join) => join.onRef('c.timestamp', '=', 'm.timestamp').onRef('c.id', '=', 'm.id'))
          .select(['m.timestamp', 'm.id'])
          .where(isFree)
          .where(isLeaseOpen(lease))
          .orderBy('m.id')
          .forUpdate('m')
          .skipLocked(),
      )
      .with('held', (q) =>
        q
          .selectFrom('chosen as c')
          .leftJoin('locked as k', (join) => join.onRef('k.timestamp', '=', 'c.timestamp').onRef('k.id', '=', 'c.id'))
          .select(['c.timestamp', 'c.id'])
          .select((eb) => allInGroup(eb, eb('k.id', 'is not', null)).as('isUnbroken')),
      )
      .with('taken', (q) => q.selectFrom('held as h').select(['h.timestamp', 'h.id']).where('h.isUnbroken', '=', true))
      .with('m', leaseTaken(claim))
      .with('stored', storedMessages)
      // One row even where nothing was taken: it says how many were looked at.
      .with('seen', (q) => q.selectFrom('candidates').select((eb) => eb.fn.countAll<string>().as('seen')))
      .main.selectFrom('seen')
      .leftJoin('stored as s', (join) => join.onTrue())
      .selectAll()
      .orderBy('s.priority')
      .orderBy('s.sent')
      .orderBy('s.id')
      .$castTo<(StoredRow | { id: null }) & { seen: string }>(),
);

const STATUS_QUERIES_AT_ONCE = 100;

const CLAIM_STATUS_QUERIES = new Statement(CLAIM_FIELDS, ({ quotas, lease, ...claim }) =>
  named
    .with('boxes', () => quotas)
    .with('taken', (q) =>
      q
        .selectFrom('agent_messages as m')
        .select(['m.timestamp', 'm.id'])
        .where('m.toAgentId', 'in', (eb) => eb.selectFrom('boxes').select('boxes.agentId'))
        .where('m.status', 'in', UNENDED)
        .where('m.messageType', '=', literal('query'))
        .where((eb) => eb(eb.fn('jsonb_extract_path_text', ['m.payload', literal('kind')]), '=', literal('status')))
        .where(isFree)
        .where(isLive)
        .where(isDeliverable)
        .where(isLeaseOpen(lease))
        .orderBy('m.id')
        .limit(sql.lit(STATUS_QUERIES_AT_ONCE))
        .forUpdate('m')
        .skipLocked(),
    )
    .with('m', leaseTaken(claim))
    .with('stored', storedMessages)
    .main.selectFrom('stored')
    .selectAll(),
);

const given = ({ quotas, owner, leaseId: lease, leaseMs }: MailboxClaim) => ({ quotas, owner, lease, leaseMs });

/**
 * Takes the messages that come next, in the order in which they are to be handled: by priority, then by time. The messages
 * of one sender and one priority form a group: none is given out before those ahead of it in its group have been, to this
 * caller, or have ended. Two processes never get the same message, nor two messages of one group. Needs the unit of work
 * of the tenant whose agents they are, or a system one. By agent_messages_waiting_index.
 * @param window how many messages of each mailbox are looked at, from the first one on
 */
export async function claimMessages(
  em: SqlEntityManager,
  claim: MailboxClaim,
  window: number = WINDOW,
): Promise<Claimed> {
  const rows = await CLAIM.run(em, { ...given(claim), window });
  const messages = rows.flatMap((row) => (row.id === null ? [] : [readStored(row)]));
  return { messages, isFull: Number(rows[0]?.seen ?? 0) >= window };
}

/**
 * Takes the queries of kind `status`, which are answered ahead of everything, even by an agent that is busy. By
 * agent_messages_waiting_index.
 */
export async function claimStatusQueries(em: SqlEntityManager, claim: MailboxClaim): Promise<StoredMessage[]> {
  return (await CLAIM_STATUS_QUERIES.run(em, given(claim))).map(readStored);
}
