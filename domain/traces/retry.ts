import type { RunStatus } from './trace-status.ts';

/**
 * What follows a failed attempt: another one, or the run's end. `attempt` counts from 1; a run has `maxRetries` + 1
 * attempts. An error that would only repeat itself ends the run at once.
 */
export function afterFailedAttempt(failure: {
  readonly attempt: number;
  readonly maxRetries: number;
  readonly retryable: boolean;
}): 'retry' | Extract<RunStatus, 'retryable_error' | 'fatal_error'> {
  if (!failure.retryable) return 'fatal_error';
  return failure.attempt <= failure.maxRetries ? 'retry' : 'retryable_error';
}
