/** The life of a trace: one execution of a graph for a task. */
export const TRACE_STATUSES = ['running', 'completed', 'failed', 'cancelled'] as const;
export type TraceStatus = (typeof TRACE_STATUSES)[number];

/** The life of a run: one node's execution within a trace. */
export const RUN_STATUSES = ['pending', 'running', 'ok', 'retryable_error', 'fatal_error', 'skipped'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/**
 * The terminal statuses of a run. `retryable_error` means that the last attempt failed in a way that a further one
 * might have fixed, but none was left; `fatal_error` means that it would have failed again.
 */
export const SETTLED_RUN_STATUSES = [
  'ok',
  'retryable_error',
  'fatal_error',
  'skipped',
] as const satisfies readonly RunStatus[];
export type SettledRunStatus = (typeof SETTLED_RUN_STATUSES)[number];
