/** The life of an agent, as its heartbeats and its work show it. */
export const AGENT_STATUSES = ['inactive', 'starting', 'active', 'busy', 'idle', 'offline', 'failed'] as const;
export type AgentStatus = (typeof AGENT_STATUSES)[number];

/** In these an agent counts as alive: its process has beaten lately, or is about to. */
export const LIVING_AGENT_STATUSES = ['starting', 'active', 'busy', 'idle'] as const satisfies readonly AgentStatus[];

export function isLivingAgentStatus(status: AgentStatus): boolean {
  return (LIVING_AGENT_STATUSES as readonly AgentStatus[]).includes(status);
}

export const AGENT_TYPES = ['director', 'worker', 'assistant', 'tool', 'custom'] as const;
export type AgentType = (typeof AGENT_TYPES)[number];

/** Each process beats for all agents that it hosts every 10 s; the fast signal in Redis lives 30 s. */
export const HEARTBEAT_INTERVAL_MS = 10_000;
export const HEARTBEAT_TTL_SECONDS = 30;

/**
 * What a process says of an agent with a beat: it has work now; it had work at the beat before and has none now; or only
 * that it is there. A process that never had work says nothing of what another one, which hosts the agent too, is doing.
 */
export const AGENT_BEATS = ['working', 'rested', 'present'] as const;
export type AgentBeat = (typeof AGENT_BEATS)[number];

/** What changes an agent's status: being registered by a process, a beat, silence, a goodbye, a fault of its process. */
export type AgentEvent = 'registered' | AgentBeat | 'silent' | 'left' | 'failed';

const BACK = { inactive: 'active', starting: 'active', offline: 'active', failed: 'active' } as const;
const GONE = { starting: 'offline', active: 'offline', busy: 'offline', idle: 'offline' } as const;

/**
 * Where each event leads from each status; what is not named stays. An agent that comes back is active first, and busy or idle
 * only by a later beat.
 */
export const AGENT_MOVES: Readonly<Record<AgentEvent, Readonly<Partial<Record<AgentStatus, AgentStatus>>>>> = {
  registered: { inactive: 'starting', offline: 'starting', failed: 'starting' },
  present: BACK,
  working: { ...BACK, active: 'busy', idle: 'busy' },
  rested: { ...BACK, busy: 'idle' },
  silent: GONE,
  left: GONE,
  failed: { starting: 'failed', active: 'failed', busy: 'failed', idle: 'failed' },
};

/** The status after an event. */
export function nextAgentStatus(status: AgentStatus, event: AgentEvent): AgentStatus {
  return AGENT_MOVES[event][status] ?? status;
}
