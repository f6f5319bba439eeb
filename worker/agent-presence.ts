import { AgentPresence, type PresenceOptions } from '../database/agent-presence.ts';
import type { Handler } from '../domain/agents/handler.ts';
import { SYSTEM_TENANT } from '../domain/ids.ts';

/** The presence of a worker's agents and tools, which every tenant shares. */
export function workerPresence(
  options: Pick<PresenceOptions, 'database' | 'process' | 'publicKey' | 'log'>,
  handlers: Iterable<Handler>,
): AgentPresence {
  const agents = [...handlers].map(({ kind, name, description, roles, capabilities }) => {
    const type = kind === 'tool' ? ('tool' as const) : ('worker' as const);
    return { name, type, description, roles, capabilities };
  });
  return new AgentPresence({ ...options, tenant: SYSTEM_TENANT, agents });
}
