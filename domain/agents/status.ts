/** The life of an agent, as its heartbeats and its work show it. */
export const AGENT_STATUSES = ['inactive', 'starting', 'active', 'busy', 'idle', 'offline', 'failed'] as const;
export type AgentStatus = (typeof AGENT_STATUSES)[number];

export const AGENT_TYPES = ['director', 'worker', 'assistant', 'tool', 'custom'] as const;
export type AgentType = (typeof AGENT_TYPES)[number];

/** Each process beats for all agents that it hosts every 10 s; the fast signal in Redis lives 30 s. */
export const HEARTBEAT_INTERVAL_MS = 10_000;
export const HEARTBEAT_TTL_SECONDS = 30;
