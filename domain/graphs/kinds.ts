/** The kinds of node that run an inner graph. */
export const CONTAINER_KINDS = ['sub-graph', 'each', 'repeat'] as const;
export type ContainerKind = (typeof CONTAINER_KINDS)[number];

/** The kinds of node that wait for a person, a message, a time or another task. */
const WAITING_KINDS = ['approval', 'wait', 'entity-collector', 'child'] as const;
export type WaitingKind = (typeof WAITING_KINDS)[number];

/** The kinds of node that can run. What is particular to one is in its file of `kinds/`. */
export const NODE_KINDS = [
  ...(['agent', 'tool', 'condition', 'prompt', 'function', 'output-parser', 'guardrail', 'llm'] as const),
  ...CONTAINER_KINDS,
  ...WAITING_KINDS,
] as const;
export type NodeKind = (typeof NODE_KINDS)[number];

/**
 * `default` carries data or order; `condition` is followed only if the source has the named outcome, `fallback` only if
 * the source failed, `guard` only if the source is a guardrail that passed; `tool` binds its source to an llm, which may
 * call it.
 */
export const CONNECTION_TYPES = ['default', 'condition', 'fallback', 'guard', 'tool'] as const;
export type ConnectionType = (typeof CONNECTION_TYPES)[number];

/** In which form an output parser expects the text that it reads. */
export const PARSE_FORMATS = ['json', 'list', 'key-value', 'regex'] as const;
export type ParseFormat = (typeof PARSE_FORMATS)[number];

/** The longest text that a node makes or reads by itself, in characters. */
export const MAX_TEXT = 1_000_000;

/** The outcomes of a condition node. */
export const OUTCOMES = ['true', 'false'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/**
 * The life of a version of a graph. A `draft` is looked at and checked, the `active` one of a name is what submits take, an
 * `archived` one keeps the tasks that it has and may become active again. What was once active never changes.
 */
export const GRAPH_STATUSES = ['draft', 'active', 'archived'] as const;
export type GraphStatus = (typeof GRAPH_STATUSES)[number];

export const GRAPH_SCHEMA_VERSION = 'v1';

/** The limits of a node's budget, and the defaults. */
export const BUDGET_LIMITS = {
  timeoutMs: { min: 1, max: 300_000, default: 30_000 },
  maxRetries: { min: 0, max: 3, default: 1 },
  inputTokens: { min: 1, default: 2_000 },
  outputTokens: { min: 1, default: 2_000 },
} as const;

/** The budget of a node that names none. */
export const DEFAULT_BUDGET = {
  timeoutMs: BUDGET_LIMITS.timeoutMs.default,
  maxRetries: BUDGET_LIMITS.maxRetries.default,
  inputTokens: BUDGET_LIMITS.inputTokens.default,
  outputTokens: BUDGET_LIMITS.outputTokens.default,
};

/** How many nodes of one graph run at once. */
export const WIDTH_LIMITS = { min: 1, max: 16, default: 4 } as const;

/** How many nodes one graph may have: keeps a trace's history and its row in the Web UI readable. */
export const MAX_NODES = 200;

/** How deep graphs may be nested: the task's own is the first. */
export const MAX_GRAPH_DEPTH = 4;

/** How many elements an `each` takes. */
export const MAX_ITEMS = 1_000;

/** How many rounds a `repeat` may be allowed. */
export const MOST_LIMITS = { min: 1, max: 500, default: 10 } as const;

/** How long a node may wait, in milliseconds: up to ten years. An approval waits a day where it says nothing. */
export const WAIT_LIMITS = { min: 1, max: 315_576_000_000, approval: 86_400_000 } as const;

/** How many runs of one trace may run at once, over all its inner graphs, besides those that wait. */
export const MAX_RUNNING = 64;

/** How many runs of one trace may wait at once, over all its inner graphs. */
export const MAX_WAITING = 1_000;

/** The number of a version of a graph. */
export const VERSION_LIMITS = { min: 1, max: 2_147_483_647 } as const;
