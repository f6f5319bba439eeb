import type { Handler } from '../../domain/agents/handler.ts';
import { SYSTEM_TENANT } from '../../domain/ids.ts';
import { AgentPresence, type PresenceOptions } from '../../operations/agents/presence.ts';

/** The presence of a worker's agents and tools, which every tenant shares. */
export function workerPresence(
  {
    taskQueue,
    ...options
  }: Pick<PresenceOptions, 'database' | 'process' | 'publicKey' | 'log'> & { taskQueue: string },
  handlers: readonly Handler[],
): AgentPresence {
  const hosting = { taskQueue, handlers: handlers.map(({ kind, name }) => `${kind}:${name}`) };
  const agents = handlers.map(({ kind, name, description, roles, capabilities }) => {
    const type = kind === 'tool' ? ('tool' as const) : ('worker' as const);
    return { name, type, description, roles, capabilities };
  });
  return new AgentPresence({ ...options, tenant: SYSTEM_TENANT, agents, hosting });
}
