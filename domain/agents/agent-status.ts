/** The life of an agent, as its heartbeats and its work show it. */
export const AGENT_STATUSES = ['inactive', 'starting', 'active', 'busy', 'idle', 'offline', 'failed'] as const;
export type AgentStatus = (typeof AGENT_STATUSES)[number];

/** The statuses in which an agent counts as alive: its process has sent a heartbeat lately, or is about to. */
export const LIVING_AGENT_STATUSES = ['starting', 'active', 'busy', 'idle'] as const satisfies readonly AgentStatus[];

export function isLivingAgentStatus(status: AgentStatus): boolean {
  return (LIVING_AGENT_STATUSES as readonly AgentStatus[]).includes(status);
}

export const AGENT_TYPES = ['director', 'worker', 'assistant', 'tool', 'custom'] as const;
export type AgentType = (typeof AGENT_TYPES)[number];

/** Each process sends a heartbeat for all agents that it hosts every 10 s; the fast signal in Redis lives 30 s. */
export const HEARTBEAT_INTERVAL_MS = 10_000;
export const HEARTBEAT_TTL_SECONDS = 30;

/**
 * What a process reports of an agent with a beat: it works now; it worked at the previous beat and is idle now; or only
 * that it exists. A process without work does not contradict another one that also hosts the agent.
 */
export const AGENT_BEATS = ['working', 'rested', 'present'] as const;
export type AgentBeat = (typeof AGENT_BEATS)[number];

/** What changes an agent's status: being registered by a process, a beat, silence, a goodbye, a fault of its process. */
export type AgentEvent = 'registered' | AgentBeat | 'silent' | 'left' | 'failed';

const BACK = { inactive: 'active', starting: 'active', offline: 'active', failed: 'active' } as const;
const GONE = { starting: 'offline', active: 'offline', busy: 'offline', idle: 'offline' } as const;

/**
 * The status to which each event leads from each status; without an entry it stays. An agent that returns is active
 * first, and busy or idle only with a later beat.
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
