import { defineEntity, p } from '@mikro-orm/core';
import { AGENT_STATUSES, AGENT_TYPES } from '../../domain/agents/agent-status.ts';
import type { AgentId, TenantId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import { createdAt, moment, tenantId } from '../columns.ts';

const schema = defineEntity({
  name: 'Agent',
  tableName: 'agents',
  properties: {
    id: p.uuid().$type<AgentId>().primary(),
    tenantId: tenantId().$type<TenantId>(),
    name: p.string().length(255),
    type: p.enum(AGENT_TYPES),
    status: p.enum(AGENT_STATUSES).default('inactive'),
    description: p.text().default(''),
    /** The beat known when the status last changed; the live one is in `agent_heartbeats`. */
    lastHeartbeat: moment().nullable(),
    /** What it is there for, and what it can do: free words, by which others find it. */
    roles: p.array().columnType('text[]').defaultRaw("'{}'"),
    capabilities: p.array().columnType('text[]').defaultRaw("'{}'"),
    /** When its silence was reported as an alert; null while it beats. */
    alertedAt: moment().nullable(),
    config: p.json<JsonObject>().defaultRaw("'{}'"),
    metrics: p.json<JsonObject>().defaultRaw("'{}'"),
    createdAt: createdAt(),
    updatedAt: moment().defaultRaw('now()'),
  },
  uniques: [
    { name: 'agents_tenant_id_unique', properties: ['tenantId', 'id'] },
    { name: 'agents_tenant_name_unique', properties: ['tenantId', 'name'] },
  ],
});

/** A named participant that can be given work and messages and is alive or not. */
export class Agent extends schema.class {}
schema.setClass(Agent);
