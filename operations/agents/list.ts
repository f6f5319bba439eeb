import { type AgentHealth, agentHealth } from '../../domain/agents/health.ts';
import { type AgentRecord, AgentRepository, type AgentSearch } from '../../entities/agents/agent-repository.ts';
import { definedName } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';

/** An agent, and what the age of its last heartbeat says. */
export interface AgentView extends AgentRecord {
  readonly health: AgentHealth;
}

export const listAgents = defineOperation({
  name: 'agents.list',
  summary: 'Lists agents and whether they are alive.',
  effect: 'read',
  risk: 'read_only',
  permission: 'agents:read',
  unit: 'statement',
  input: { role: definedName.optional(), capability: definedName.optional() },
  async handle({ em }, search: AgentSearch): Promise<AgentView[]> {
    const found = await new AgentRepository(em).list(search);
    const now = new Date();
    return found.map((agent) => ({ ...agent, health: agentHealth(agent, now) }));
  },
});
