import { AGENT_MOVES, type AgentEvent, type AgentStatus } from '../../domain/agents/agent-status.ts';

/** The status after an event, as the database decides it. */
export function nextAgentStatus(status: AgentStatus, event: AgentEvent): AgentStatus {
  return AGENT_MOVES[event][status] ?? status;
}
