import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { AgentId, LeaseId } from '../../domain/ids.ts';
import { isJsonObject, type Json, toJson } from '../../domain/json.ts';
import type { SignedEnvelope } from '../../domain/messaging/envelope.ts';
import { MAX_DELIVERIES } from '../../domain/messaging/redelivery.ts';
import { auditRowsFrom } from '../audit/audit-rows.ts';
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

/** Whose messages to take, how many, and for how long. */
export interface MailboxClaim {
  /** The most for each agent. */
  readonly quotas: readonly { readonly agentId: AgentId; readonly quota: number }[];
  /** Written beside the claim: the process. */
  readonly owner: string;
  /** The lease of the process: once it has ended, nothing is given out under it. */
  readonly leaseId: LeaseId;
  readonly leaseMs: number;
}

/** A claimed message: its fence has to be given with everything that is done to it. */
export interface ClaimRef {
  readonly id: string;
  readonly fence: number;
}

/** One message that was handled. */
export interface Completion extends ClaimRef {
  readonly result: Json;
  /** The answer, written in the same transaction; null where nobody asked. */
  readonly response: SignedEnvelope | null;
}

/** How a delivery that failed ends. */
export interface FailedDelivery extends ClaimRef {
  /** Null for dead. */
  readonly delayMs: number | null;
  readonly reason: string;
  readonly response: SignedEnvelope | null;
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
/** Nobody has it: it waits, or whoever had it has fallen silent. */
const FREE = sql`(m.status = 'pending' or (m.status = 'leased' and m.leased_until < now()))`;
const GROUP = sql`partition by c.to_agent_id, c.sender, c.priority order by c."timestamp", c.id`;

/** Index: the primary key. */
const isOpen = (leaseId: LeaseId) =>
  sql`exists (select from muster.agent_leases l where l.id = ${leaseId} and l.ended_at is null)`;

/**
 * Mailboxes as those see them who handle messages. Needs the unit of work of the tenant whose agents they are, or a
 * system one. Each method is one statement; what is done to a claimed message is guarded by the fence of its claim.
 */
export class MailboxRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /**
   * Takes the messages that come next, in the order in which they are to be handled: by priority, then by time. The
   * messages of one sender and one priority form a group: none is given out before those ahead of it in its group have
   * been, to this caller, or have ended. Two processes never get the same message, nor two messages of one group.
   * Index: agent_messages_waiting_index.
   * @param window how many messages of each mailbox are looked at, from the first one on
   */
  async claim(claim: MailboxClaim, window: number = WINDOW): Promise<Claimed> {
    const result = await sql<Record<string, unknown>>`
      with candidate as (
        select box.quota, m.* from jsonb_to_recordset(${JSON.stringify(claim.quotas)}::jsonb)
            as box("agentId" uuid, quota int)
          cross join lateral (
            select m."timestamp", m.id, m.to_agent_id, coalesce(m.from_agent_id, m.lease_id) as sender, m.priority,
              ${FREE} and m.available_at <= now() and m.attempts < ${MAX_DELIVERIES} as ready
            from muster.agent_messages m
            where m.to_agent_id = box."agentId" and m.status in ('pending', 'leased')
              and m.message_type not in ('response', 'error') and (m.expires_at is null or m.expires_at > now())
            order by m.priority, m."timestamp", m.id limit ${window}
          ) m
      ), grouped as (
        select c.*, bool_and(ready) over (${GROUP}) as next from candidate c
      ), chosen as (
        select * from (
          select *, row_number() over (partition by to_agent_id order by priority, "timestamp", id) as place
          from grouped where next
        ) as placed where place <= quota
      ), locked as (
        select m."timestamp", m.id from muster.agent_messages m
          join chosen c on c."timestamp" = m."timestamp" and c.id = m.id
        where ${FREE} and ${isOpen(claim.leaseId)} order by m.id for update of m skip locked
      ), taken as (
        select * from (
          select c.*, bool_and(k.id is not null) over (${GROUP}) as unbroken
          from chosen c left join locked k on k."timestamp" = c."timestamp" and k.id = c.id
        ) as groups where unbroken
      ), m as (
        update muster.agent_messages m set status = 'leased', lease_owner = ${claim.owner}, fence = m.fence + 1,
          attempts = m.attempts + 1, leased_until = now() + make_interval(secs => ${claim.leaseMs / 1_000}::float8)
        from taken t where t."timestamp" = m."timestamp" and t.id = m.id returning m.*
      )
      select ${STORED_COLUMNS}, (select count(*) from candidate) as seen
      from (select 1) as always left join m on true ${SENDER_JOINS}
      order by m.priority, m."timestamp", m.id`.execute(this.#em.getKysely());
    const messages = result.rows.filter((row) => row.id !== null).map(readStored);
    return { messages, isFull: Number(result.rows[0]?.seen ?? 0) >= window };
  }

  /** Takes the queries of kind `status`, which are answered ahead of everything, even by an agent that is busy. */
  async claimStatusQueries(claim: MailboxClaim): Promise<StoredMessage[]> {
    const ids = claim.quotas.map((box) => box.agentId);
    const result = await sql<Record<string, unknown>>`
      with taken as (
        select m."timestamp", m.id from muster.agent_messages m
        where m.to_agent_id = any(${ids}::uuid[]) and m.status in ('pending', 'leased') and ${FREE}
          and m.message_type = 'query' and m.payload ->> 'kind' = 'status' and m.attempts < ${MAX_DELIVERIES}
          and (m.expires_at is null or m.expires_at > now()) and m.available_at <= now()
          and ${isOpen(claim.leaseId)}
        order by m.id limit 100 for update of m skip locked
      ), m as (
        update muster.agent_messages m set status = 'leased', lease_owner = ${claim.owner}, fence = m.fence + 1,
          attempts = m.attempts + 1, leased_until = now() + make_interval(secs => ${claim.leaseMs / 1_000}::float8)
        from taken t where t."timestamp" = m."timestamp" and t.id = m.id returning m.*
      )
      select ${STORED_COLUMNS} from m ${SENDER_JOINS}`.execute(this.#em.getKysely());
    return result.rows.map(readStored);
  }

  /**
   * Marks messages as processed and writes their answers. Refused, as a whole, once the lease of the process has ended.
   * @returns the ids that were still the caller's; the others were given to somebody else meanwhile
   */
  async complete(leaseId: LeaseId, completions: readonly Completion[]): Promise<Set<string>> {
    const responses = completions.flatMap(({ response }) => (response === null ? [] : [response]));
    const result = await sql<{ id: string }>`
      with done as (
        update muster.agent_messages m set status = 'processed', processed_at = clock_timestamp(), leased_until = null,
          lease_owner = null, result = d.result
        from jsonb_to_recordset(${JSON.stringify(completions)}::jsonb) as d(id uuid, fence bigint, result jsonb)
        where m.id = d.id and m.fence = d.fence and m.status = 'leased'
          and ${isOpen(leaseId)}
        returning m.id
      ), answered as (
        insert into muster.agent_messages (${ENVELOPE_COLUMNS})
        select ${ENVELOPE_VALUES} from jsonb_to_recordset(${JSON.stringify(responses)}::jsonb) ${ENVELOPE_RECORD}
        where e."causeId" in (select id from done) on conflict (id) do nothing
      )
      select id from done`.execute(this.#em.getKysely());
    return new Set(result.rows.map((row) => row.id));
  }

  /** Puts a message back for later, or buries it with its reason. @returns false when it is the caller's no more */
  async fail(failed: FailedDelivery): Promise<boolean> {
    const dead = failed.delayMs === null;
    const response = failed.response === null ? [] : [failed.response];
    const result = await sql<{ id: string }>`
      with failed as (
        update muster.agent_messages m set status = ${dead ? 'dead' : 'pending'}, leased_until = null,
          lease_owner = null, dead_reason = ${dead ? failed.reason : null}, dead_at = case when ${dead} then now() end,
          available_at = now() + make_interval(secs => ${(failed.delayMs ?? 0) / 1_000}::float8)
        where m.id = ${failed.id} and m.fence = ${failed.fence} and m.status = 'leased' returning m.id
      ), answered as (
        insert into muster.agent_messages (${ENVELOPE_COLUMNS})
        select ${ENVELOPE_VALUES} from jsonb_to_recordset(${JSON.stringify(response)}::jsonb) ${ENVELOPE_RECORD}
        where exists (select from failed) on conflict (id) do nothing
      )
      select id from failed`.execute(this.#em.getKysely());
    return result.rows.length === 1;
  }

  /** Gives claimed messages back as if they had not been taken. */
  async release(claims: readonly ClaimRef[]): Promise<void> {
    await sql`
      update muster.agent_messages m set status = 'pending', leased_until = null, lease_owner = null,
        attempts = m.attempts - 1
      from jsonb_to_recordset(${JSON.stringify(claims)}::jsonb) as c(id uuid, fence bigint)
      where m.id = c.id and m.fence = c.fence and m.status = 'leased'`.execute(this.#em.getKysely());
  }

  /** Prolongs claims. @returns the ids that were still the caller's */
  async extend(claims: readonly ClaimRef[], leaseMs: number): Promise<Set<string>> {
    const result = await sql<{ id: string }>`
      update muster.agent_messages m set leased_until = now() + make_interval(secs => ${leaseMs / 1_000}::float8)
      from jsonb_to_recordset(${JSON.stringify(claims)}::jsonb) as c(id uuid, fence bigint)
      where m.id = c.id and m.fence = c.fence and m.status = 'leased' returning m.id`.execute(this.#em.getKysely());
    return new Set(result.rows.map((row) => row.id));
  }

  /**
   * Buries what nobody may deliver any more: messages whose time has passed, and those whose last allowed delivery
   * ended with the death of its process; with them answers to programs that nobody fetched. Run it and the answers to the returned requests in one unit of work.
   */
  async expire(agentIds: readonly AgentId[], limit = 500): Promise<StoredMessage[]> {
    const result = await sql<Record<string, unknown>>`
      with over as (
        select m."timestamp", m.id from muster.agent_messages m
        where (m.to_agent_id = any(${[...agentIds]}::uuid[]) or m.to_agent_id is null)
          and m.status in ('pending', 'leased') and ${FREE}
          and (m.expires_at <= now() or m.attempts >= ${MAX_DELIVERIES})
        order by m.id limit ${limit} for update of m skip locked
      ), m as (
        update muster.agent_messages m set status = 'dead', leased_until = null, lease_owner = null,
          dead_at = now(), fence = m.fence + 1,
          dead_reason = case when m.expires_at <= now() then 'expired' else 'lost: each of its deliveries ended without a word; its process died or fell silent' end
        from over o where o."timestamp" = m."timestamp" and o.id = m.id returning m.*
      )
      select ${STORED_COLUMNS} from m ${SENDER_JOINS}`.execute(this.#em.getKysely());
    return result.rows.map(readStored);
  }

  /**
   * Buries a message that must not be handled, and writes it into the audit log; once, however often it is asked for.
   * @param message with the fence of its claim, or as it was read
   */
  async refuse(message: StoredMessage, reason: string): Promise<boolean> {
    const { raw } = message;
    const told = toJson({ from: raw.from, to: raw.to, lease: raw.leaseId, seq: raw.seq, type: raw.type });
    const details = { reason, ...(told.ok && isJsonObject(told.value) ? told.value : {}) };
    const audit = auditRowsFrom('refused', {
      ...{ tenant: message.tenant, actor: `agent:${raw.from ?? 'none'}`, action: 'message.refused' },
      ...{ subjectType: 'message', details },
    });
    const result = await sql<{ id: string }>`
      with refused as (
        update muster.agent_messages m set status = 'dead', leased_until = null, lease_owner = null,
          dead_at = now(), dead_reason = ${`refused: ${reason}`}
        where m.id = ${message.id} and m.fence = ${message.fence} and m.status <> 'dead' returning m.id
      ), audited as (${audit})
      select id from refused`.execute(this.#em.getKysely());
    return result.rows.length === 1;
  }

  /** Says that these agents take messages, so that broadcasts reach them. Writes nothing where it is known. */
  async openMailboxes(agentIds: readonly AgentId[]): Promise<void> {
    await sql`update muster.agents set config = config || '{"mailbox": true}'::jsonb
      where id = any(${[...agentIds]}::uuid[]) and not config @> '{"mailbox": true}'::jsonb`.execute(
      this.#em.getKysely(),
    );
  }

  /** How many messages wait for an agent, and since when the first one does. */
  async depth(agentId: AgentId): Promise<{ waiting: number; oldest: string | null }> {
    const result = await sql<{ waiting: number; oldest: string | null }>`
      select count(*)::int as waiting, ${momentText('min(m."timestamp")')} as oldest from muster.agent_messages m
      where m.to_agent_id = ${agentId} and m.status in ('pending', 'leased')
        and m.message_type not in ('response', 'error')`.execute(this.#em.getKysely());
    return result.rows[0] ?? { waiting: 0, oldest: null };
  }
}
