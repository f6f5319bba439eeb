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

/** How an attempt can be lost, that is end without a report: with the words for several of them. */
export const LOSSES = {
  handler_crashed:
    'workers died while they ran it. Look for what kills the process: memory, process.exit, native code.',
  heartbeat_missed:
    'attempts missed their heartbeat although their workers live. Look for an overloaded machine, a stopped process or a broken network.',
  event_loop_blocked:
    'attempts blocked the event loop of their worker. Let the handler yield, or move what computes for long into a worker thread.',
} as const;
export type Loss = keyof typeof LOSSES;

/** Too many attempts of a node were lost: they ended without a report. */
export class HandlerLost extends MusterError {
  readonly code: Loss;
  readonly retryable = false;
  /** @param losses how each attempt was lost; the most frequent one is the verdict, of equally frequent ones the last */
  constructor(node: string, handler: string, losses: readonly Loss[]) {
    const count = (loss: Loss) => losses.filter((each) => each === loss).length;
    const code = losses
      .toReversed()
      .reduce((most, loss) => (count(loss) > count(most) ? loss : most), losses.at(-1) ?? 'handler_crashed');
    const kinds = [...new Set(losses)].toSorted((one, other) => Number(other === code) - Number(one === code));
    const told = kinds.map((loss) => `${count(loss)} ${LOSSES[loss]}`).join(' And ');
    super(`${handler} was given up: ${told}`, { node, lost: losses.length });
    this.code = code;
  }
}

/** A node has waited for rate limits as long as it may. */
export class LimitWaitExceeded extends MusterError {
  readonly code = 'limit_wait_exceeded';
  readonly retryable = false;
  constructor(node: string, limitWaitMs: number, message: string) {
    super(
      `${node} would have to wait for limits for more than ${Math.round(limitWaitMs / 1_000)} s in total. ${message} ` +
        'Or give the agent a longer retry.limitWaitMs, or the task a deadline.',
      { node, limitWaitMs },
    );
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
