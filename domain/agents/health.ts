import { type AgentStatus, isLivingAgentStatus } from './agent-status.ts';
import { DEAD_AFTER_SECONDS, SUSPECT_AFTER_SECONDS } from './liveness.ts';

/**
 * The health of an agent by the age of its last heartbeat. `alive`: its heartbeats arrive. `suspect` and `dead`: it has
 * been silent for more than 30 and 45 seconds. `unavailable`: no process hosts it, or the last one failed or said
 * goodbye.
 */
export const AGENT_HEALTHS = ['alive', 'suspect', 'dead', 'unavailable'] as const;
export type AgentHealth = (typeof AGENT_HEALTHS)[number];

/** The health of an agent. One that starts and has sent no heartbeat yet is alive: supervision watches the start. */
export function agentHealth(agent: { status: AgentStatus; lastHeartbeat: Date | null }, now: Date): AgentHealth {
  if (!isLivingAgentStatus(agent.status)) return 'unavailable';
  if (agent.lastHeartbeat === null) return 'alive';
  const silentSeconds = (now.getTime() - agent.lastHeartbeat.getTime()) / 1_000;
  if (silentSeconds > DEAD_AFTER_SECONDS) return 'dead';
  return silentSeconds > SUSPECT_AFTER_SECONDS ? 'suspect' : 'alive';
}
