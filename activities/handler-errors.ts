import { MusterError } from '../domain/errors.ts';

/** A handler's input does not fit its schema, or a value that its graph reads does not exist. */
export class HandlerInputInvalid extends MusterError {
  readonly code = 'handler_input_invalid';
  constructor(node: string, handler: string, fault: string) {
    super(`${handler} cannot take its input: ${fault} Correct the graph's input mapping or the task's input.`, {
      node,
    });
  }
}

/** A handler's output does not fit its schema or is not JSON. */
export class HandlerOutputInvalid extends MusterError {
  readonly code = 'handler_output_invalid';
  override readonly retryable = true;
  constructor(node: string, handler: string, fault: string) {
    super(`${handler} returned an unusable output: ${fault} Correct the handler or its output schema.`, { node });
  }
}

/** A handler did not end within its attempt's time. */
export class HandlerTimedOut extends MusterError {
  readonly code = 'handler_timed_out';
  override readonly retryable = true;
  constructor(node: string, handler: string, timeoutMs: number) {
    super(`${handler} did not end within ${timeoutMs} ms. Raise the node's budget, or let it honour context.signal.`, {
      node,
      timeoutMs,
    });
  }
}

/** No worker on the task queue hosts a node's handler. */
export class HandlerUnknown extends MusterError {
  readonly code = 'handler_unknown';
  override readonly retryable = true;
  constructor(node: string, handler: string) {
    super(`This worker does not host ${handler}. Start a worker with the module that defines it: --agents FILE.`, {
      node,
    });
  }
}

/**
 * A later attempt has taken over the run, after a reset of the workflow for example. The result of this one is not
 * written.
 */
export class AttemptOvertaken extends MusterError {
  readonly code = 'stale_fence';
  override readonly retryable = true;
  constructor(node: string, attempt: number) {
    super(`Attempt ${attempt} of ${node} was overtaken by a later one; its result is not written.`, {
      node,
      attempt,
    });
  }
}

/** A graph's output could not be read from the outputs of its nodes. */
export class OutputMissing extends MusterError {
  readonly code = 'handler_output_invalid';
  constructor(pointer: string) {
    super(`The graph's output ${pointer} has no value. Let it read a node that always runs, or mark it optional.`, {
      pointer,
    });
  }
}
