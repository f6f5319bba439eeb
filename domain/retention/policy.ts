/** What a retention policy may prune, each by age since its row ended. */
export const RETENTION_RESOURCES = [
  'tasks',
  'agent_traces',
  'agent_runs',
  'trace_events',
  'artifacts',
  'agent_messages',
  'outbox',
  'operation_keys',
] as const;
export type RetentionResource = (typeof RETENTION_RESOURCES)[number];

/** How a policy decides: rows older than a number of days go. */
export const RETENTION_MODES = ['age'] as const;
export type RetentionMode = (typeof RETENTION_MODES)[number];

/** The policy rows of a new installation: days that an ended row stays. */
export const DEFAULT_RETENTION_DAYS: Readonly<Record<RetentionResource, number>> = {
  tasks: 90,
  agent_traces: 90,
  agent_runs: 90,
  trace_events: 30,
  artifacts: 90,
  agent_messages: 30,
  outbox: 7,
  operation_keys: 7,
};
