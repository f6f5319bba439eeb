import { setTimeout as pause } from 'node:timers/promises';

export interface EventuallyOptions {
  /** How long the condition may take to come true. @defaultValue 10000 */
  withinMs?: number;
  /** Pause between two looks. @defaultValue 20 */
  everyMs?: number;
  /** What is waited for, for the message of a failure. */
  what?: string;
}

/**
 * Looks again and again until `look` neither throws nor answers `false`, and returns its answer. Rejects after
 * `withinMs` with the last failure in the message and as the cause.
 */
export async function eventually<T>(look: () => Promise<T> | T, options: EventuallyOptions = {}): Promise<T> {
  const { withinMs = 10_000, everyMs = 20, what = 'the condition' } = options;
  const deadline = Date.now() + withinMs;
  for (;;) {
    let failure: unknown = new Error('it answered false');
    try {
      const answer = await look();
      if (answer !== false) return answer;
    } catch (error) {
      failure = error;
    }
    if (Date.now() >= deadline) {
      const last = failure instanceof Error ? failure.message : String(failure);
      throw new Error(`${what} did not come true within ${withinMs} ms; last: ${last}`, { cause: failure });
    }
    await pause(everyMs);
  }
}
