import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { AgentId, LeaseId, MessageId, TenantId } from '../../domain/ids.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { SignedEnvelope } from '../../domain/messaging/envelope.ts';
import type { MessageStatus, MessageType } from '../../domain/messaging/message-status.ts';
import type { Wait } from '../../domain/messaging/wait-circle.ts';
import { auditRowsFrom } from '../audit/audit-rows.ts';
import { column, runPart } from '../insert-from.ts';
import { readDate, readDateOrNull } from '../read-row.ts';
import {
  ENVELOPE_COLUMNS,
  ENVELOPE_RECORD,
  ENVELOPE_VALUES,
  momentText,
  readStored,
  SENDER_JOINS,
  STORED_COLUMNS,
  type StoredMessage,
} from './message-row.ts';

/** What became of messages that were to be stored. */
export interface Stored {
  /** False when the sender's lease had ended: then nothing was written. */
  readonly leaseOpen: boolean;
  /** The ids of new rows; what is missing was there before. */
  readonly inserted: ReadonlySet<string>;
  /** The ids of messages too far behind the first of their chain, which were not stored. */
  readonly tooDeep: ReadonlySet<string>;
}

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
export class MessageRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /**
   * Stores messages that one process signed. The same id again writes nothing. A message that is more than `maxHops`
   * behind the first of its chain is left out, unless it is an answer.
   */
  async send(
    leaseId: LeaseId,
    messages: readonly SignedEnvelope[],
    { maxHops }: { readonly maxHops: number },
  ): Promise<Stored> {
    const result = await sql<{ open: boolean; inserted: string[]; too_deep: string[] }>`
      with lease as (
        select coalesce((select ended_at is null from muster.agent_leases where id = ${leaseId}), false) as open
      ), given as (
        select e.*, coalesce((select c.hops + 1 from muster.agent_messages c where c.id = e."causeId"), 0) as hops
        from jsonb_to_recordset(${JSON.stringify(messages)}::jsonb) ${ENVELOPE_RECORD}
      ), too_deep as (
        select id from given where hops > ${maxHops} and "type" not in ('response', 'error')
      ), stored as (
        insert into muster.agent_messages (${ENVELOPE_COLUMNS}, hops)
        select ${ENVELOPE_VALUES}, e.hops from given e
        where (select open from lease) and e.id not in (select id from too_deep)
        order by e.id on conflict (id) do nothing returning id
      )
      select open, array(select id from stored)::text[] as inserted, array(select id from too_deep)::text[] as too_deep
      from lease`.execute(this.#em.getKysely());
    const row = result.rows[0];
    return {
      leaseOpen: row?.open ?? false,
      inserted: new Set(row?.inserted ?? []),
      tooDeep: new Set(row?.too_deep ?? []),
    };
  }

  /** The database's time, as messages carry it; null when the lease has ended or is none. */
  async nowUnder(leaseId: LeaseId): Promise<string | null> {
    const result = await sql<{ now: string }>`
      select ${momentText('clock_timestamp()')} as now from muster.agent_leases
      where id = ${leaseId} and ended_at is null`.execute(this.#em.getKysely());
    return result.rows[0]?.now ?? null;
  }

  /** Notes that a process tried to speak after its lease had ended. */
  async auditLostLease(tenant: TenantId, leaseId: LeaseId, messages: readonly SignedEnvelope[]): Promise<void> {
    const details = { reason: 'its sender has lost its lease', messages: messages.map((message) => message.id) };
    const row = { tenant, actor: `lease:${leaseId}`, action: 'message.refused', subjectType: 'lease' };
    await runPart(this.#em, auditRowsFrom(null, { ...row, subjectId: leaseId, details }));
  }

  /** The message with this id that the unit of work may see. */
  async find(id: string): Promise<StoredMessage | null> {
    const result = await sql<Record<string, unknown>>`
      select ${STORED_COLUMNS} from muster.agent_messages m ${SENDER_JOINS} where m.id = ${id}`.execute(
      this.#em.getKysely(),
    );
    const row = result.rows[0];
    return row === undefined ? null : readStored(row);
  }

  /** Answers to requests, oldest first; those that were refused or have expired are left out. */
  async responses(correlationIds: readonly string[]): Promise<StoredMessage[]> {
    const result = await sql<Record<string, unknown>>`
      select ${STORED_COLUMNS} from muster.agent_messages m ${SENDER_JOINS}
      where m.correlation_id = any(${[...correlationIds]}::uuid[]) and m.message_type in ('response', 'error')
        and m.status in ('pending', 'processed') order by m."timestamp", m.id`.execute(this.#em.getKysely());
    return result.rows.map(readStored);
  }

  /** Whether a request can still be answered, or was: `expired` when neither. */
  async requestState(id: string): Promise<'open' | 'answered' | 'expired'> {
    const result = await sql<{ open: boolean; answered: boolean }>`
      select m.status in ('pending', 'leased') and (m.expires_at is null or m.expires_at > now()) as open,
        exists (select from muster.agent_messages r where r.correlation_id = m.correlation_id and r.id <> m.id
          and r.message_type in ('response', 'error') and r.status in ('pending', 'processed')
          and r.payload ->> 'code' is distinct from 'expired') as answered
      from muster.agent_messages m where m.id = ${id}`.execute(this.#em.getKysely());
    const [row] = result.rows;
    if (row?.answered) return 'answered';
    return row?.open ? 'open' : 'expired';
  }

  /** Marks answers as taken. */
  async acknowledge(ids: readonly string[]): Promise<void> {
    await sql`update muster.agent_messages set status = 'processed', processed_at = clock_timestamp()
      where id = any(${[...ids]}::uuid[]) and status = 'pending'`.execute(this.#em.getKysely());
  }

  /** Buries a request for whose answer nobody waits any more, unless it is being handled or has ended. */
  async abandon(id: string): Promise<void> {
    await sql`update muster.agent_messages set status = 'dead', dead_reason = 'expired', dead_at = now()
      where id = ${id} and status = 'pending'`.execute(this.#em.getKysely());
  }

  /**
   * Lets requests that may close a circle be checked and stored one after the other, until the unit of work ends: two
   * that close one together would not see each other.
   */
  async lockWaits(tenant: TenantId): Promise<void> {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`muster waits ${tenant}`}, 0))`.execute(
      this.#em.getKysely(),
    );
  }

  /**
   * Who waits for whom, by name, as far as it can come back to whoever handles `causeId`: the open requests of agents
   * that wait while they handle a message, and those that led to that message. An agent that asks from elsewhere, from
   * a graph's node for example, goes on handling messages, so nobody waits for it in vain.
   */
  async waits(causeId: string): Promise<Wait[]> {
    const result = await sql<{ asker: string; asked: string }>`
      with recursive chain as (
        select m.id, m.cause_id, 1 as depth from muster.agent_messages m where m.id = ${causeId}
        union all
        select m.id, m.cause_id, c.depth + 1 from chain c join muster.agent_messages m on m.id = c.cause_id
        where c.depth < 100
      )
      select distinct a.name as asker, b.name as asked
      from muster.agent_messages m join muster.agents a on a.id = m.from_agent_id
        join muster.agents b on b.id = m.to_agent_id
      where m.requires_response and m.status in ('pending', 'leased') and (m.expires_at is null or m.expires_at > now())
        and (m.cause_id is not null or m.id in (select id from chain))`.execute(this.#em.getKysely());
    return result.rows.map((row) => ({ from: row.asker, to: row.asked }));
  }

  /** The newest first. */
  async list(filter: MessageFilter): Promise<MessageRecord[]> {
    const { id = null, agent = null, status = null, type = null, broadcastId = null, correlationId = null } = filter;
    const result = await sql<Record<string, unknown>>`
      select m.*, f.name as from_name, t.name as to_name from muster.agent_messages m
        left join muster.agents f on f.id = m.from_agent_id left join muster.agents t on t.id = m.to_agent_id
      where (${id}::uuid is null or m.id = ${id})
        and (${agent}::text is null or f.name = ${agent} or t.name = ${agent})
        and (${status}::text is null or m.status = ${status})
        and (${type}::text is null or m.message_type = ${type})
        and (${broadcastId}::uuid is null or m.broadcast_id = ${broadcastId})
        and (${correlationId}::uuid is null or m.correlation_id = ${correlationId})
      order by m."timestamp" desc, m.id desc limit ${filter.limit}`.execute(this.#em.getKysely());
    return result.rows.map(readRecord);
  }

  /** The copies of a broadcast. */
  async receipts(broadcastId: string): Promise<Receipt[]> {
    const result = await sql<{ id: string; agent: string | null; status: MessageStatus; processed_at: string | null }>`
      select m.id, t.name as agent, m.status, m.processed_at from muster.agent_messages m
        left join muster.agents t on t.id = m.to_agent_id
      where m.broadcast_id = ${broadcastId} order by t.name`.execute(this.#em.getKysely());
    return result.rows.map((row) => ({
      agent: row.agent ?? '',
      messageId: row.id,
      status: row.status,
      processedAt: readDateOrNull(row.processed_at),
    }));
  }

  /** How many messages there are in each status, to an agent by name or to all. */
  async counts(agent: string | null): Promise<Record<MessageStatus, number>> {
    const result = await sql<{ status: MessageStatus; count: number }>`
      select m.status, count(*)::int as count from muster.agent_messages m
        left join muster.agents t on t.id = m.to_agent_id
      where ${agent}::text is null or t.name = ${agent} group by m.status`.execute(this.#em.getKysely());
    const counts = { pending: 0, leased: 0, processed: 0, dead: 0 };
    for (const row of result.rows) counts[row.status] = row.count;
    return counts;
  }

  /**
   * Gives a dead message another five deliveries, with an audit row. One that has expired, or was refused, stays dead:
   * its sender has to send another one.
   */
  async redrive(id: string, actor: string): Promise<{ outcome: Redriven; to: AgentId | null }> {
    const result = await sql<{ to_agent_id: AgentId | null; outcome: Redriven }>`
      with found as (
        select m.id, m.tenant_id, m.to_agent_id, m.dead_reason, case
          when m.status <> 'dead' then 'not_dead' when m.dead_reason like 'refused: %' then 'refused'
          when m.expires_at <= now() or m.dead_reason = 'expired' then 'expired' else 'redriven' end as outcome
        from muster.agent_messages m where m.id = ${id} for update
      ), redriven as (
        update muster.agent_messages m set status = 'pending', attempts = 0, available_at = now(), dead_reason = null,
          dead_at = null
        from found f where m.id = f.id and f.outcome = 'redriven'
      ), audited as (
        ${auditRowsFrom(
          { from: 'found', where: sql`outcome = 'redriven'` },
          { actor, action: 'message.redriven', subjectType: 'message', details: { reason: column('dead_reason') } },
        )}
      )
      select to_agent_id, outcome from found`.execute(this.#em.getKysely());
    const row = result.rows[0];
    return row === undefined ? { outcome: 'unknown', to: null } : { outcome: row.outcome, to: row.to_agent_id };
  }
}

function readRecord(row: Record<string, unknown>): MessageRecord {
  return {
    id: row.id as MessageId,
    from: row.from_name as string | null,
    to: row.to_name as string | null,
    type: row.message_type as MessageType,
    status: row.status as MessageStatus,
    priority: row.priority as number,
    payload: row.payload as JsonObject,
    requiresResponse: row.requires_response as boolean,
    correlationId: row.correlation_id as string | null,
    broadcastId: row.broadcast_id as string | null,
    hops: row.hops as number,
    attempts: row.attempts as number,
    deadReason: row.dead_reason as string | null,
    result: (row.result ?? null) as Json,
    sentAt: readDate(row.timestamp as string),
    processedAt: readDateOrNull(row.processed_at as string | null),
    expiresAt: readDateOrNull(row.expires_at as string | null),
  };
}
