import { MusterError } from '../domain/errors.ts';

/**
 * A worker was told to stop and could not close everything in time. Something is still open in this process, which
 * should be ended. No task is lost: other workers continue its work.
 */
export class WorkerStopIncomplete extends MusterError {
  readonly code = 'worker_stop_incomplete';
  constructor(withinMs: number, waitingFor: string) {
    super(
      `The worker did not stop within ${withinMs / 1_000} s: ${waitingFor} did not end. End the process; other workers continue its tasks.`,
      { withinMs, waitingFor },
    );
  }
}
