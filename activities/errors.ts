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

/** A handler returned what its output schema refuses. */
export class HandlerOutputInvalid extends MusterError {
  readonly code = 'handler_output_invalid';
  readonly retryable = true;
  constructor(node: string, handler: string, fault: string) {
    super(`${handler} returned what its output schema refuses: ${fault} Correct the handler or the schema.`, { node });
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

/** The workers of a node died too often while they ran it. */
export class HandlerCrashed extends MusterError {
  readonly code = 'handler_crashed';
  readonly retryable = false;
  constructor(node: string, handler: string, crashes: number) {
    super(`${handler} was given up after ${crashes} workers died while they ran it. Look for what kills the process.`, {
      node,
      crashes,
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

/** A task has ended, or was claimed anew, while this attempt was under way: nothing it found is written. */
export class StaleFence extends MusterError {
  readonly code = 'stale_fence';
  readonly retryable = false;
  constructor(taskId: string, fence: number) {
    super(`The task ${taskId} has ended or was taken over; claim ${fence} may not write to it any more.`, {
      taskId,
      fence,
    });
  }
}

/** An earlier attempt died between an effect and its record, and nobody knows whether the effect happened. */
export class EffectInDoubt extends MusterError {
  readonly code = 'effect_in_doubt';
  readonly retryable = false;
  constructor(key: string) {
    super(`Whether the effect ${key} has happened is not known. Look it up outside, then redrive the task.`, { key });
  }
}

/** One effect key was used for two different requests. */
export class EffectConflict extends MusterError {
  readonly code = 'effect_conflict';
  readonly retryable = false;
  constructor(key: string) {
    super(
      `The effect ${key} was announced with another request before. Give each effect of a node its own step name.`,
      {
        key,
      },
    );
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
