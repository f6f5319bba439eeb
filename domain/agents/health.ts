import { type AgentStatus, isLivingAgentStatus } from './agent-status.ts';
import { DEAD_AFTER_SECONDS, SUSPECT_AFTER_SECONDS } from './liveness.ts';

/**
 * What the age of an agent's last heartbeat says. `alive`: it beats. `suspect` and `dead`: it counts as there and has
 * been silent for longer than 30 and 45 seconds. `away`: no process hosts it, or the last one failed or said goodbye.
 */
export const AGENT_HEALTHS = ['alive', 'suspect', 'dead', 'away'] as const;
export type AgentHealth = (typeof AGENT_HEALTHS)[number];

/** How an agent is. One that starts and has not beaten yet is alive: supervision watches how long that takes. */
export function agentHealth(agent: { status: AgentStatus; lastHeartbeat: Date | null }, now: Date): AgentHealth {
  if (!isLivingAgentStatus(agent.status)) return 'away';
  if (agent.lastHeartbeat === null) return 'alive';
  const silentSeconds = (now.getTime() - agent.lastHeartbeat.getTime()) / 1_000;
  if (silentSeconds > DEAD_AFTER_SECONDS) return 'dead';
  return silentSeconds > SUSPECT_AFTER_SECONDS ? 'suspect' : 'alive';
}
