import { defineEntity, type Opt, p } from '@mikro-orm/core';
import type { AgentId, LeaseId, MessageId, TenantId, TraceId } from '../../domain/ids.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { MESSAGE_PRIORITY_RANGE, MESSAGE_STATUSES, MESSAGE_TYPES } from '../../domain/messaging/message-status.ts';
import { Agent } from '../agents/agent.ts';
import { within } from '../checks.ts';
import { moment, plainTenantId } from '../columns.ts';

const end = (column: string) => p.manyToOne(Agent).mapToPk().$type<AgentId>().fieldName(column).nullable().index(false);

const schema = defineEntity({
  name: 'AgentMessage',
  tableName: 'agent_messages',
  properties: {
    timestamp: moment().primary(),
    id: p.uuid().$type<MessageId>().primary(),
    tenantId: plainTenantId().$type<TenantId>(),
    fromAgentId: () => end('from_agent_id'),
    /** Null for a message to every agent of the tenant. */
    toAgentId: () => end('to_agent_id'),
    messageType: p.enum(MESSAGE_TYPES),
    priority: p.smallint().default(MESSAGE_PRIORITY_RANGE.default).check(within('priority', MESSAGE_PRIORITY_RANGE)),
    payload: p.json<JsonObject>(),
    status: p.enum(MESSAGE_STATUSES).default('pending'),
    /** The seed's column: true exactly when the status says so. */
    processed: p.boolean().$type<Opt<boolean>>().generated("(status = 'processed') stored"),
    correlationId: p.uuid().nullable(),
    attempts: p.integer().default(0),
    leasedUntil: moment().nullable(),
    leaseOwner: p.text().nullable(),
    fence: p.bigint('number').default(0),
    deadReason: p.text().nullable(),
    deadAt: moment().nullable(),
    processedAt: moment().nullable(),
    /** The lease under which it was signed, and its number among the messages of that lease. */
    leaseId: p.uuid().$type<LeaseId>().nullable(),
    seq: p.bigint('number').nullable(),
    signature: p.text().nullable(),
    requiresResponse: p.boolean().default(false),
    /** After this it is not delivered any more. */
    expiresAt: moment().nullable(),
    /** Not delivered before: how redelivery backs off. */
    availableAt: moment().defaultRaw('now()'),
    /** The same for all receipts of one broadcast. */
    broadcastId: p.uuid().nullable(),
    /** The message whose handling sent this one. */
    causeId: p.uuid().$type<MessageId>().nullable(),
    /** How many messages led to it, one causing the next; 0 for one that none caused. Counted when it is stored. */
    hops: p.integer().default(0),
    traceId: p.uuid().$type<TraceId>().nullable(),
    /** What its handler returned. */
    result: p.json<Json>().nullable(),
  },
  uniques: [
    { name: 'agent_messages_id_unique', properties: ['id'] },
    {
      name: 'agent_messages_lease_seq_unique',
      properties: ['leaseId', 'seq', 'toAgentId'],
      where: 'lease_id is not null',
    },
  ],
  indexes: [
    {
      name: 'agent_messages_mailbox_index',
      properties: ['toAgentId', 'processed', 'timestamp'],
      columns: [{ name: 'toAgentId' }, { name: 'processed' }, { name: 'timestamp', sort: 'DESC' }],
    },
    { name: 'agent_messages_tenant_index', properties: ['tenantId', 'timestamp'] },
    {
      name: 'agent_messages_waiting_index',
      properties: ['toAgentId', 'priority', 'timestamp', 'id'],
      where: "status in ('pending', 'leased')",
    },
    {
      name: 'agent_messages_open_request_index',
      properties: ['fromAgentId'],
      where: "requires_response and status in ('pending', 'leased')",
    },
    {
      name: 'agent_messages_correlation_index',
      properties: ['correlationId'],
      where: 'correlation_id is not null',
    },
    { name: 'agent_messages_dead_index', properties: ['tenantId', 'timestamp'], where: "status = 'dead'" },
    { name: 'agent_messages_broadcast_index', properties: ['broadcastId'], where: 'broadcast_id is not null' },
    { name: 'agent_messages_trace_index', properties: ['traceId'], where: 'trace_id is not null' },
  ],
});

/** A durable message between agents: delivered at least once, handled once. */
export class AgentMessage extends schema.class {}
schema.setClass(AgentMessage);
