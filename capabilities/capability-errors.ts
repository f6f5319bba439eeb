import { MusterError } from '../domain/errors.ts';

/** A handler called its context with an invalid argument. */
export class HandlerCallInvalid extends MusterError {
  readonly code = 'handler_call_invalid';
  /** @param call the method, `effect` for example */
  constructor(node: string, call: string, fault: string) {
    super(`The handler of ${node} called context.${call} with an invalid argument: ${fault}`, { node, call });
  }
}

/** The task ended or was claimed again while this attempt ran: its result is not written. */
export class StaleFence extends MusterError {
  readonly code = 'stale_fence';
  constructor(taskId: string, fence: number) {
    super(`The task ${taskId} has ended or was taken over; claim ${fence} may no longer write to it.`, {
      taskId,
      fence,
    });
  }
}

/** An earlier attempt died between an effect and its record, so it is unknown whether the effect happened. */
export class EffectInDoubt extends MusterError {
  readonly code = 'effect_in_doubt';
  /** What the ledger knows the effect by. */
  readonly key: string;
  constructor(key: string) {
    super(
      `It is unknown whether the effect ${key} has happened. Look it up in the outside service. If it did not happen, ` +
        'redrive the task; if it did, say so before with `muster doubts settle`, or a redrive makes it again.',
      { key },
    );
    this.key = key;
  }
}

/** One effect key was used for two different requests. */
export class EffectConflict extends MusterError {
  readonly code = 'effect_conflict';
  constructor(key: string) {
    super(
      `The effect ${key} was announced with another request before. Give each effect of a node its own step name; ` +
        'or, if an earlier trace of the task announced it, redrive the task with effects: "repeat".',
      { key },
    );
  }
}

/** An effect has happened, but its result cannot be recorded. It is not called again. */
export class EffectResultInvalid extends MusterError {
  readonly code = 'effect_result_invalid';
  constructor(key: string, fault: string) {
    super(
      `The effect ${key} has happened, but its result cannot be recorded: ${fault} It is not called again. Let its call ` +
        'return plain JSON, then redrive the task with effects: "repeat" if it may happen again.',
      { key },
    );
  }
}
