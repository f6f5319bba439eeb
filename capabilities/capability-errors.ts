import { MusterError } from '../domain/errors.ts';

/** A handler called its context with what it must not. */
export class HandlerCallInvalid extends MusterError {
  readonly code = 'handler_call_invalid';
  readonly retryable = false;
  /** @param call the method, `effect` for example */
  constructor(node: string, call: string, fault: string) {
    super(`The handler of ${node} called context.${call} with what it must not: ${fault}`, { node, call });
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
      `The effect ${key} was announced with another request before. Give each effect of a node its own step name; ` +
        'or, if an earlier trace of the task announced it, redrive the task with effects: "repeat".',
      { key },
    );
  }
}

/** An effect has happened, and its result cannot be recorded. It is not called again. */
export class EffectResultInvalid extends MusterError {
  readonly code = 'effect_result_invalid';
  readonly retryable = false;
  constructor(key: string, fault: string) {
    super(
      `The effect ${key} has happened, but its result cannot be recorded: ${fault} It is not called again. Let its call ` +
        'return plain JSON, then redrive the task with effects: "repeat" if it may happen once more.',
      { key },
    );
  }
}
