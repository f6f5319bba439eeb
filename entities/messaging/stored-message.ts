import type { InferResult, QueryCreator, Selectable } from 'kysely';
import type { AgentId, LeaseId, MessageId, TenantId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import type { SignedEnvelope } from '../../domain/messaging/envelope.ts';
import type { MessageStatus } from '../../domain/messaging/message-status.ts';
import { momentText } from '../common-expressions.ts';
import type { Tables } from '../tables.ts';
import type { Message } from './message-expressions.ts';

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
  readonly id: MessageId;
  readonly tenant: TenantId;
  readonly toAgentId: AgentId | null;
  readonly status: MessageStatus;
  readonly fromName: string | null;
  readonly attempts: number;
  readonly fence: number;
  readonly result: Json;
  /** Set once it was handled. */
  readonly processedAt: Date | null;
  /** Null where no such lease is known. */
  readonly lease: SenderLease | null;
}

/** The messages of a statement's table `m`, each with its sender and its sender's lease: see {@link readStored}. */
export function storedMessages(q: QueryCreator<Tables & { m: Selectable<Message['m']> }>) {
  return q
    .selectFrom('m')
    .leftJoin('agents as f', 'f.id', 'm.fromAgentId')
    .leftJoin('agent_leases as l', 'l.id', 'm.leaseId')
    .select(['m.id', 'm.tenantId', 'm.fromAgentId', 'm.toAgentId', 'm.messageType', 'm.payload', 'm.priority'])
    .select(['m.requiresResponse', 'm.correlationId', 'm.leaseId', 'm.seq', 'm.causeId', 'm.broadcastId'])
    .select(['m.traceId', 'm.signature', 'm.status', 'm.attempts', 'm.fence', 'm.result', 'm.processedAt'])
    .select(['f.name as fromName', 'l.id as knownLease', 'l.tenantId as leaseTenant', 'l.agentIds', 'l.publicKey'])
    .select((eb) => [
      momentText(eb.ref('m.timestamp')).as('sent'),
      momentText(eb.ref('m.expiresAt')).as('expires'),
      momentText(eb.ref('l.grantedAt')).as('granted'),
      momentText(eb.ref('l.endedAt')).as('ended'),
    ]);
}

export type StoredRow = InferResult<ReturnType<typeof storedMessages>>[number];

export function readStored(row: StoredRow): StoredMessage {
  return {
    raw: readRaw(row),
    id: row.id,
    tenant: row.tenantId,
    toAgentId: row.toAgentId,
    status: row.status,
    fromName: row.fromName,
    attempts: row.attempts,
    fence: row.fence,
    result: row.result,
    processedAt: row.processedAt,
    lease: readLease(row),
  };
}

function readRaw(row: StoredRow): RawEnvelope {
  return {
    id: row.id,
    tenant: row.tenantId,
    from: row.fromAgentId,
    to: row.toAgentId,
    timestamp: row.sent,
    type: row.messageType,
    payload: row.payload,
    priority: row.priority,
    requiresResponse: row.requiresResponse,
    correlationId: row.correlationId,
    expiresAt: row.expires,
    leaseId: row.leaseId,
    seq: row.seq,
    causeId: row.causeId,
    broadcastId: row.broadcastId,
    traceId: row.traceId,
    signature: row.signature,
  };
}

/** The join finds all of a lease, or nothing. */
function readLease(row: StoredRow): SenderLease | null {
  const { knownLease: id, leaseTenant: tenant, agentIds, publicKey, granted, ended } = row;
  if (id === null || tenant === null || agentIds === null || publicKey === null || granted === null) return null;
  return { id, tenant, agentIds, publicKey, grantedAt: granted, endedAt: ended };
}
