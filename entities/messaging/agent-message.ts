import { defineEntity, type Opt, p } from '@mikro-orm/core';
import type { AgentId, TenantId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import { MESSAGE_PRIORITY_RANGE, MESSAGE_STATUSES, MESSAGE_TYPES } from '../../domain/messaging/status.ts';
import { Agent } from '../agents/agent.ts';
import { within } from '../checks.ts';
import { moment, tenantId } from '../columns.ts';

const end = (column: string) => p.manyToOne(Agent).mapToPk().$type<AgentId>().fieldName(column).nullable().index(false);

const schema = defineEntity({
  name: 'AgentMessage',
  tableName: 'agent_messages',
  properties: {
    timestamp: moment().primary(),
    id: p.uuid().primary(),
    tenantId: tenantId().$type<TenantId>(),
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
    processedAt: moment().nullable(),
  },
  indexes: [
    {
      name: 'agent_messages_mailbox_index',
      properties: ['toAgentId', 'processed', 'timestamp'],
      columns: [{ name: 'toAgentId' }, { name: 'processed' }, { name: 'timestamp', sort: 'DESC' }],
    },
    { name: 'agent_messages_tenant_index', properties: ['tenantId', 'timestamp'] },
  ],
});

/** A durable message between agents: delivered at least once, handled once. */
export class AgentMessage extends schema.class {}
schema.setClass(AgentMessage);
