import { raw } from '@mikro-orm/core';
import { sql } from 'kysely';
import type { AgentId, LeaseId, MessageId, TenantId, TraceId } from '../../domain/ids.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { MessageStatus, MessageType } from '../../domain/messaging/message-status.ts';
import type { Wait } from '../../domain/messaging/wait-circle.ts';
import { databaseMoment } from '../agents/agent-expressions.ts';
import { auditRowsFrom } from '../audit/audit-rows.ts';
import { anyOf, literal, now, takesTurn } from '../common-expressions.ts';
import { column, runPart } from '../insert-from.ts';
import { Repository } from '../repository.ts';
import { namedIn } from '../statements/named-parts.ts';
import { tables } from '../tables.ts';
import { AgentMessage } from './agent-message.ts';
import { ANSWERS, hasExpired, isLive, UNENDED } from './message-expressions.ts';
import { readStored, type StoredMessage, storedMessages } from './stored-message.ts';

/** A message as lists show it. */
export interface MessageRecord {
  readonly id: MessageId;
  /** The sender's name; null for a program that is no agent. */
  readonly from: string | null;
  readonly to: string | null;
  readonly type: MessageType;
  readonly status: MessageStatus;
  readonly priority: number;
  readonly payload: JsonObject;
  readonly requiresResponse: boolean;
  readonly correlationId: string | null;
  readonly broadcastId: string | null;
  /** How many messages led to it, one causing the next. */
  readonly hops: number;
  readonly attempts: number;
  readonly deadReason: string | null;
  /** What its handler returned. */
  readonly result: Json;
  readonly sentAt: Date;
  readonly processedAt: Date | null;
  readonly expiresAt: Date | null;
}

export interface MessageFilter {
  readonly id?: string;
  /** Those from or to this agent, by name. */
  readonly agent?: string;
  readonly status?: MessageStatus;
  readonly type?: MessageType;
  readonly broadcastId?: string;
  readonly correlationId?: string;
  /** Those that nodes of this trace sent. */
  readonly traceId?: string;
  readonly limit: number;
}

/** One agent's copy of a broadcast. */
export interface Receipt {
  /** Its name; empty once the agent is gone. */
  readonly agent: string;
  readonly messageId: string;
  readonly status: MessageStatus;
  readonly processedAt: Date | null;
}

/** What a message to be redriven is, or why it is not. */
export type Redriven = 'redriven' | 'not_dead' | 'expired' | 'refused' | 'unknown';

/** Messages as their senders and onlookers see them. Each method is one statement, within the unit of work's tenant. */
export class MessageRepository extends Repository {
  /** The database's time, as messages carry it; null when the lease has ended or is none. */
  async nowUnder(leaseId: LeaseId): Promise<string | null> {
    const row = await tables(this.em)
      .selectFrom('agent_leases')
      .select(databaseMoment().as('now'))
      .where('id', '=', leaseId)
      .where('endedAt', 'is', null)
      .executeTakeFirst();
    return row?.now ?? null;
  }

  /** Notes that a process tried to speak after its lease had ended. */
  async auditLostLease(tenant: TenantId, leaseId: LeaseId, messages: readonly MessageId[]): Promise<void> {
    const details = { reason: 'its sender has lost its lease', messages: [...messages] };
    const row = { tenant, actor: `lease:${leaseId}`, action: 'message.refused', subjectType: 'lease' };
    await runPart(this.em, auditRowsFrom(null, { ...row, subjectId: leaseId, details }));
  }

  /** The message with this id that the unit of work may see. */
  async find(id: MessageId): Promise<StoredMessage | null> {
    const q = namedIn(this.em).with('m', (q) => q.selectFrom('agent_messages').selectAll().where('id', '=', id));
    const row = await q.reading(storedMessages).executeTakeFirst();
    return row === undefined ? null : readStored(row);
  }

  /** Answers to requests, oldest first; those that were refused or have expired are left out. */
  async responses(correlationIds: readonly string[]): Promise<StoredMessage[]> {
    const q = namedIn(this.em).with('m', (q) =>
      q
        .selectFrom('agent_messages')
        .selectAll()
        .where('correlationId', '=', anyOf(correlationIds))
        .where('messageType', 'in', ANSWERS)
        .where('status', 'in', ['pending', 'processed']),
    );
    const rows = await q.reading(storedMessages).orderBy('m.timestamp').orderBy('m.id').execute();
    return rows.map(readStored);
  }

  /** Whether a request can still be answered, or was: `expired` when neither. */
  async requestState(id: MessageId): Promise<'open' | 'answered' | 'expired'> {
    const found = await tables(this.em)
      .selectFrom('agent_messages as m')
      .select((eb) => {
        const answers = eb
          .selectFrom('agent_messages as r')
          .whereRef('r.correlationId', '=', 'm.correlationId')
          .whereRef('r.id', '<>', 'm.id')
          .where('r.messageType', 'in', ANSWERS)
          .where('r.status', 'in', ['pending', 'processed'])
          .where((eb) => {
            const code = eb.fn('jsonb_extract_path_text', ['r.payload', literal('code')]);
            return eb(code, 'is distinct from', literal('expired'));
          });
        return [eb.and([eb('m.status', 'in', UNENDED), isLive(eb)]).as('isOpen'), eb.exists(answers).as('isAnswered')];
      })
      .where('m.id', '=', id)
      .executeTakeFirst();
    if (found?.isAnswered) return 'answered';
    return found?.isOpen ? 'open' : 'expired';
  }

  /** Marks answers as taken. */
  async acknowledge(ids: readonly MessageId[]): Promise<void> {
    const taken = { status: 'processed' as const, processedAt: raw('clock_timestamp()') };
    await this.em.nativeUpdate(AgentMessage, { id: { $in: ids }, status: 'pending' }, taken);
  }

  /** Buries a request for whose answer nobody waits any more, unless it is being handled or has ended. */
  async abandon(id: MessageId): Promise<void> {
    const dead = { status: 'dead' as const, deadReason: 'expired', deadAt: raw('now()') };
    await this.em.nativeUpdate(AgentMessage, { id, status: 'pending' }, dead);
  }

  /**
   * Lets requests that may close a circle be checked and stored one after the other, until the unit of work ends: two
   * that close one together would not see each other.
   */
  async lockWaits(tenant: TenantId): Promise<void> {
    await tables(this.em)
      .selectNoFrom((eb) => takesTurn(eb.val(`muster waits ${tenant}`)).as('turn'))
      .execute();
  }

  /**
   * Who waits for whom, by name, as far as it can come back to the agent that handles `causeId`: the open requests of
   * agents that wait while they handle a message, and those that led to that message. An agent that asks from elsewhere,
   * from a graph's node for example, continues handling messages, so nobody waits for it in vain.
   */
  waits(causeId: MessageId): Promise<Wait[]> {
    return tables(this.em)
      .withRecursive('chain', (q) =>
        q
          .selectFrom('agent_messages as m')
          .select(['m.id', 'm.causeId'])
          .where('m.id', '=', causeId)
          .union((eb) =>
            eb
              .selectFrom('chain as c')
              .innerJoin('agent_messages as m', 'm.id', 'c.causeId')
              .select(['m.id', 'm.causeId']),
          ),
      )
      .selectFrom('agent_messages as m')
      .innerJoin('agents as f', 'f.id', 'm.fromAgentId')
      .innerJoin('agents as t', 't.id', 'm.toAgentId')
      .select(['f.name as from', 't.name as to'])
      .distinct()
      .where('m.requiresResponse', '=', sql.lit(true))
      .where('m.status', 'in', UNENDED)
      .where(isLive)
      .where((eb) =>
        eb.or([eb('m.causeId', 'is not', null), eb('m.id', 'in', eb.selectFrom('chain').select('chain.id'))]),
      )
      .execute();
  }

  /** The newest first. */
  list(filter: MessageFilter): Promise<MessageRecord[]> {
    const { agent, limit, id, status, type, broadcastId, correlationId, traceId } = filter;
    return tables(this.em)
      .selectFrom('agent_messages as m')
      .leftJoin('agents as f', 'f.id', 'm.fromAgentId')
      .leftJoin('agents as t', 't.id', 'm.toAgentId')
      .select([
        'm.id',
        'f.name as from',
        't.name as to',
        'm.messageType as type',
        'm.status',
        'm.priority',
        'm.payload',
      ])
      .select(['m.requiresResponse', 'm.correlationId', 'm.broadcastId', 'm.hops', 'm.attempts', 'm.deadReason'])
      .select(['m.result', 'm.timestamp as sentAt', 'm.processedAt', 'm.expiresAt'])
      .where((eb) =>
        eb.and({
          ...(id === undefined ? {} : { 'm.id': id as MessageId }),
          ...(status === undefined ? {} : { 'm.status': status }),
          ...(type === undefined ? {} : { 'm.messageType': type }),
          ...(broadcastId === undefined ? {} : { 'm.broadcastId': broadcastId }),
          ...(correlationId === undefined ? {} : { 'm.correlationId': correlationId }),
          ...(traceId === undefined ? {} : { 'm.traceId': traceId as TraceId }),
        }),
      )
      .$if(agent !== undefined, (q) =>
        q.where((eb) => eb.or([eb('f.name', '=', agent ?? ''), eb('t.name', '=', agent ?? '')])),
      )
      .orderBy('m.timestamp', 'desc')
      .orderBy('m.id', 'desc')
      .limit(limit)
      .execute();
  }

  /** The copies of a broadcast. */
  async receipts(broadcastId: string): Promise<Receipt[]> {
    const copies = await tables(this.em)
      .selectFrom('agent_messages as m')
      .leftJoin('agents as t', 't.id', 'm.toAgentId')
      .select(['m.id as messageId', 't.name as agent', 'm.status', 'm.processedAt'])
      .where('m.broadcastId', '=', broadcastId)
      .orderBy('t.name')
      .execute();
    return copies.map(({ agent, ...copy }) => ({ agent: agent ?? '', ...copy }));
  }

  /** How many messages there are in each status, to an agent by name or to all. */
  async counts(agent?: string): Promise<Record<MessageStatus, number>> {
    const counted = await tables(this.em)
      .selectFrom('agent_messages as m')
      .leftJoin('agents as t', 't.id', 'm.toAgentId')
      .select((eb) => ['m.status', eb.fn.countAll().as('count')])
      .$if(agent !== undefined, (q) => q.where('t.name', '=', agent ?? ''))
      .groupBy('m.status')
      .execute();
    const counts = Object.fromEntries(counted.map(({ status, count }) => [status, Number(count)]));
    return { pending: 0, leased: 0, processed: 0, dead: 0, ...counts };
  }

  /**
   * Gives a dead message another five deliveries, with an audit row. One that has expired, or was refused, stays dead:
   * its sender has to send another one.
   */
  async redrive(id: MessageId, actor: string): Promise<{ outcome: Redriven; to: AgentId | null }> {
    const audit = {
      actor,
      action: 'message.redriven',
      subjectType: 'message',
      details: { reason: column('dead_reason') },
    };
    const found = await tables(this.em)
      .with('found', (q) =>
        q
          .selectFrom('agent_messages as m')
          .select(['m.id', 'm.tenantId', 'm.toAgentId', 'm.deadReason'])
          .select((eb) =>
            eb
              .case()
              .when('m.status', '<>', 'dead')
              .then<Redriven>('not_dead')
              .when('m.deadReason', 'like', 'refused: %')
              .then<Redriven>('refused')
              .when(eb.or([hasExpired(eb), eb('m.deadReason', '=', 'expired')]))
              .then<Redriven>('expired')
              .else<Redriven>('redriven')
              .end()
              .as('outcome'),
          )
          .where('m.id', '=', id)
          .forUpdate(),
      )
      .with('redriven', (q) =>
        q
          .updateTable('agent_messages as m')
          .from('found as f')
          .set({ status: 'pending', attempts: 0, availableAt: now(), deadReason: null, deadAt: null })
          .whereRef('m.id', '=', 'f.id')
          .where('f.outcome', '=', 'redriven')
          .returning(['f.id', 'f.tenantId', 'f.deadReason']),
      )
      .with('audited', () => auditRowsFrom('redriven', audit))
      .selectFrom('found')
      .select(['outcome', 'toAgentId as to'])
      .executeTakeFirst();
    return found ?? { outcome: 'unknown', to: null };
  }
}
