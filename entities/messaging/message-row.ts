import { sql } from 'kysely';
import type { AgentId, LeaseId, TenantId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import type { SignedEnvelope } from '../../domain/messaging/envelope.ts';
import type { MessageStatus } from '../../domain/messaging/message-status.ts';

/** The lease under which a stored message claims to be sent, as the database knows it. */
export interface SenderLease {
  readonly id: LeaseId;
  readonly tenant: TenantId;
  readonly agentIds: readonly AgentId[];
  readonly publicKey: string;
  /** Moments as in the envelope. */
  readonly grantedAt: string;
  readonly endedAt: string | null;
}

/** What a row says, unchecked: see `parseEnvelope`. */
export type RawEnvelope = Readonly<Record<keyof SignedEnvelope, unknown>>;

/** A stored message and what is needed to check and handle it. */
export interface StoredMessage {
  readonly raw: RawEnvelope;
  readonly id: string;
  readonly tenant: TenantId;
  readonly toAgentId: AgentId | null;
  readonly status: MessageStatus;
  readonly fromName: string | null;
  readonly attempts: number;
  readonly fence: number;
  readonly result: Json;
  /** Set once it was handled. */
  readonly processedAt: string | null;
  /** Null where no such lease is known. */
  readonly lease: SenderLease | null;
}

/** A moment of the database as messages carry it. */
export const momentText = (column: string) =>
  sql.raw(`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`);

/** The columns that {@link readStored} reads, of `m`, a message, its sender `f` and its sender's lease `l`. */
export const STORED_COLUMNS = sql`
  m.id, m.tenant_id, m.from_agent_id, m.to_agent_id, ${momentText('m."timestamp"')} as sent_at, m.message_type,
  m.payload, m.priority, m.requires_response, m.correlation_id, ${momentText('m.expires_at')} as expires,
  m.lease_id, m.seq, m.cause_id, m.broadcast_id, m.trace_id, m.signature, m.status, m.attempts, m.fence, m.result,
  m.processed_at, f.name as from_name, l.id as known_lease, l.tenant_id as lease_tenant, l.agent_ids, l.public_key,
  ${momentText('l.granted_at')} as granted, ${momentText('l.ended_at')} as ended`;

export const SENDER_JOINS = sql`
  left join muster.agents f on f.id = m.from_agent_id
  left join muster.agent_leases l on l.id = m.lease_id`;

export function readStored(row: Record<string, unknown>): StoredMessage {
  return {
    raw: readRaw(row),
    id: row.id as string,
    tenant: row.tenant_id as TenantId,
    toAgentId: row.to_agent_id as AgentId | null,
    status: row.status as MessageStatus,
    fromName: row.from_name as string | null,
    attempts: row.attempts as number,
    fence: Number(row.fence),
    result: (row.result ?? null) as Json,
    processedAt: row.processed_at as string | null,
    lease: readLease(row),
  };
}

function readRaw(row: Record<string, unknown>): RawEnvelope {
  return {
    id: row.id,
    tenant: row.tenant_id,
    from: row.from_agent_id,
    to: row.to_agent_id,
    timestamp: row.sent_at,
    type: row.message_type,
    payload: row.payload,
    priority: row.priority,
    requiresResponse: row.requires_response,
    correlationId: row.correlation_id,
    expiresAt: row.expires,
    leaseId: row.lease_id,
    seq: row.seq === null ? null : Number(row.seq),
    causeId: row.cause_id,
    broadcastId: row.broadcast_id,
    traceId: row.trace_id,
    signature: row.signature,
  };
}

function readLease(row: Record<string, unknown>): SenderLease | null {
  if (row.known_lease === null) return null;
  return {
    id: row.known_lease as LeaseId,
    tenant: row.lease_tenant as TenantId,
    agentIds: row.agent_ids as AgentId[],
    publicKey: row.public_key as string,
    grantedAt: row.granted as string,
    endedAt: row.ended as string | null,
  };
}

/** The shape in which envelopes travel to the database, and the columns that they fill. */
export const ENVELOPE_RECORD = sql`as e("timestamp" timestamptz, id uuid, "tenant" text, "from" uuid, "to" uuid,
  "type" text, payload jsonb, priority smallint, "requiresResponse" boolean, "correlationId" uuid,
  "expiresAt" timestamptz, "leaseId" uuid, seq bigint, signature text, "causeId" uuid, "broadcastId" uuid,
  "traceId" uuid)`;
export const ENVELOPE_COLUMNS = sql`"timestamp", id, tenant_id, from_agent_id, to_agent_id, message_type, payload,
  priority, requires_response, correlation_id, expires_at, lease_id, seq, signature, cause_id, broadcast_id, trace_id`;
export const ENVELOPE_VALUES = sql`e."timestamp", e.id, e."tenant", e."from", e."to", e."type", e.payload, e.priority,
  e."requiresResponse", e."correlationId", e."expiresAt", e."leaseId", e.seq, e.signature, e."causeId",
  e."broadcastId", e."traceId"`;
