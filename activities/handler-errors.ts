import { MusterError } from '../domain/errors.ts';

/** A handler was given what its input schema refuses, or an input that its graph reads does not exist. */
export class HandlerInputInvalid extends MusterError {
  readonly code = 'handler_input_invalid';
  readonly retryable = false;
  constructor(node: string, handler: string, fault: string) {
    super(`${handler} cannot take its input: ${fault} Correct the graph's input mapping or the task's input.`, {
      node,
    });
  }
}

/** A handler returned what its output schema refuses, or what JSON cannot keep. */
export class HandlerOutputInvalid extends MusterError {
  readonly code = 'handler_output_invalid';
  readonly retryable = true;
  constructor(node: string, handler: string, fault: string) {
    super(`${handler} returned what cannot be taken: ${fault} Correct the handler or its output schema.`, { node });
  }
}

/** A handler did not end within its attempt's time. */
export class HandlerTimedOut extends MusterError {
  readonly code = 'handler_timed_out';
  readonly retryable = true;
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
  readonly retryable = true;
  constructor(node: string, handler: string) {
    super(`This worker does not host ${handler}. Start a worker with the module that defines it: --agents FILE.`, {
      node,
    });
  }
}

/** A later attempt has taken the run over, from a workflow that was reset for example. What this one found is not written. */
export class AttemptOvertaken extends MusterError {
  readonly code = 'stale_fence';
  readonly retryable = true;
  constructor(node: string, attempt: number) {
    super(`Attempt ${attempt} of ${node} was overtaken by a later one; what it found is not written.`, {
      node,
      attempt,
    });
  }
}

/** A graph's output could not be read from what its nodes left. */
export class OutputMissing extends MusterError {
  readonly code = 'handler_output_invalid';
  readonly retryable = false;
  constructor(pointer: string) {
    super(`The graph's output ${pointer} has no value. Let it read a node that always runs, or mark it optional.`, {
      pointer,
    });
  }
}
