/** The kinds of node that can run. */
export const NODE_KINDS = ['agent', 'tool', 'condition'] as const;
export type NodeKind = (typeof NODE_KINDS)[number];

/** `default` carries data or order; `condition` is followed only when the source's outcome is the wanted one. */
export const CONNECTION_TYPES = ['default', 'condition'] as const;
export type ConnectionType = (typeof CONNECTION_TYPES)[number];

/** What a condition node decides. */
export const OUTCOMES = ['true', 'false'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** A graph is written as a draft in one transaction and published; published graphs never change. */
export const GRAPH_STATUSES = ['draft', 'published'] as const;
export type GraphStatus = (typeof GRAPH_STATUSES)[number];

export const GRAPH_SCHEMA_VERSION = 'v1';

/** Limits of a node's budget, and the values of a node that names none. */
export const BUDGET_LIMITS = {
  timeoutMs: { min: 1, max: 300_000, default: 30_000 },
  maxRetries: { min: 0, max: 3, default: 1 },
  inputTokens: { min: 1, default: 2_000 },
  outputTokens: { min: 1, default: 2_000 },
} as const;

/** How many nodes of one trace run at once. */
export const WIDTH_LIMITS = { min: 1, max: 16, default: 4 } as const;

/** How many nodes one graph may have: keeps a trace's history and its row in the Web UI readable. */
export const MAX_NODES = 200;
