import { MusterError } from '../domain/errors.ts';

/**
 * A worker was told to stop, and could not close everything in time. Some of it is still open in this process, which is
 * best ended. Tasks lose nothing by that: other workers carry on with what it was doing.
 */
export class WorkerStopIncomplete extends MusterError {
  readonly code = 'worker_stop_incomplete';
  readonly retryable = false;
  constructor(withinMs: number, waitingFor: string) {
    super(
      `The worker did not stop within ${withinMs / 1_000} s: ${waitingFor} did not end. End the process; other workers carry on with its tasks.`,
      { withinMs, waitingFor },
    );
  }
}
