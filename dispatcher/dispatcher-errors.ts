import { MusterError } from '../domain/errors.ts';
import type { TaskId } from '../domain/ids.ts';
import type { Refusal } from '../temporal/refusals.ts';

/** Temporal refuses to start the workflow of a task, and would refuse it again. */
export class StartRefused extends MusterError {
  readonly code = 'start_refused';
  readonly retryable = false;
  constructor(taskId: TaskId, { status, detail }: Refusal, cause: unknown) {
    super(
      `Temporal refuses to start the task, whenever it is tried (${status}: ${detail}). Correct what it names, which is ` +
        'part of the task or of its graph, then redrive it or submit it again.',
      { taskId, status },
      { cause },
    );
  }
}
