import type { TenantId } from '../ids.ts';

/** The kinds of limits on open tasks: per tenant, user, graph, agent or a key of the caller. */
const CONCURRENCY_KEY_KINDS = ['tenant', 'user', 'graph', 'agent', 'key'] as const;
export type ConcurrencyKeyKind = (typeof CONCURRENCY_KEY_KINDS)[number];

/** The properties of a task that limits count. */
export interface TaskTraits {
  readonly tenant: TenantId;
  readonly graph: string;
  readonly user: string | null;
  /** The agents of the graph's nodes. */
  readonly agents: readonly string[];
  /** The caller's own key. */
  readonly key: string | null;
}

/**
 * The concurrency keys of a task: each is `<kind>:<name>`, and a slot of each limited one is held while the task is open.
 * Users and own keys belong to their tenant; graphs and agents are counted over all tenants.
 */
export function concurrencyKeys({ tenant, graph, user, agents, key }: TaskTraits): string[] {
  return [
    `tenant:${tenant}`,
    `graph:${graph}`,
    ...[...new Set(agents)].map((agent) => `agent:${agent}`),
    ...(user === null ? [] : [`user:${tenant}/${user}`]),
    ...(key === null ? [] : [`key:${tenant}/${key}`]),
  ];
}

/** The kind of a concurrency key; null for any other text. */
export function kindOfKey(key: string): ConcurrencyKeyKind | null {
  const [kind = '', ...rest] = key.split(':');
  if (rest.join(':') === '') return null;
  return CONCURRENCY_KEY_KINDS.find((candidate) => candidate === kind) ?? null;
}
