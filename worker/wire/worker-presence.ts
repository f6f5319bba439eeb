import type { Handler } from '../../domain/agents/handler.ts';
import { SYSTEM_TENANT } from '../../domain/ids.ts';
import { AgentPresence, type PresenceOptions } from '../../operations/agents/presence.ts';
import { permissionOf } from '../../operations/as-tool.ts';

/** The presence of a worker's agents and tools, which every tenant shares. */
export function workerPresence(
  {
    taskQueue,
    ...options
  }: Pick<PresenceOptions, 'database' | 'process' | 'publicKey' | 'log'> & { taskQueue: string },
  handlers: readonly Handler[],
): AgentPresence {
  const hosting = { taskQueue, handlers: handlers.map(({ kind, name }) => `${kind}:${name}`) };
  // An operation is a tool of everybody, and no worker's own.
  const own = handlers.filter(({ name }) => permissionOf(name) === null);
  const agents = own.map(({ kind, name, description, roles, capabilities }) => {
    const type = kind === 'tool' ? ('tool' as const) : ('worker' as const);
    return { name, type, description, roles, capabilities };
  });
  return new AgentPresence({ ...options, tenant: SYSTEM_TENANT, agents, hosting });
}
