import { defineEntity, p } from '@mikro-orm/core';
import type { AgentId, TenantId } from '../../domain/ids.ts';
import { keyOf, moment, plainTenantId } from '../columns.ts';
import { Agent } from './agent.ts';

const schema = defineEntity({
  name: 'AgentHeartbeat',
  tableName: 'agent_heartbeats',
  properties: {
    agentId: () => keyOf(Agent, 'agent_id').$type<AgentId>().primary(),
    tenantId: plainTenantId().$type<TenantId>(),
    workerId: p.text(),
    beatAt: moment(),
  },
});

/**
 * The newest sign of life of an agent. A row of its own, with room on its page and no index on `beat_at`, so that the
 * many updates stay within the page and leave nothing for the indexes of `agents` to clean up.
 */
export class AgentHeartbeat extends schema.class {}
schema.setClass(AgentHeartbeat);
