import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

export interface EventuallyOptions {
  /** How long the condition may take to come true where the machine has time for it. @defaultValue 10000 */
  withinMs?: number;
  /** Pause between two looks. @defaultValue first 10, then longer each time, up to 100 */
  everyMs?: number;
  /** What is waited for, for the message of a failure. */
  what?: string;
}

const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 100;

/** On a machine with more to do than it has processors for, everything takes longer: so many times at most. */
export const MOST_PATIENCE = 4;

/**
 * How many times as long as on an idle machine something may take now: the processes that want to run, for each processor.
 * What is promised within a time is measured with a clock and not with this.
 */
export function patience(): number {
  const [perMinute = 0] = loadavg();
  return Math.min(MOST_PATIENCE, Math.max(1, perMinute / availableParallelism()));
}

/**
 * Looks again and again until `look` neither throws nor answers `false`, and returns its answer. Rejects after
 * `withinMs`, or more on a busy machine ({@link patience}), with the last failure in the message and as the cause.
 */
export async function eventually<T>(look: () => Promise<T> | T, options: EventuallyOptions = {}): Promise<T> {
  const { withinMs = 10_000, everyMs, what = 'the condition' } = options;
  const startedAt = Date.now();
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 1.3)) {
    let failure: unknown = new Error('it answered false');
    try {
      const answer = await look();
      if (answer !== false) return answer;
    } catch (error) {
      failure = error;
    }
    const limitMs = Math.round(withinMs * patience());
    if (Date.now() - startedAt >= limitMs) {
      const last = failure instanceof Error ? failure.message : String(failure);
      throw new Error(`${what} did not come true within ${limitMs} ms; last: ${last}`, { cause: failure });
    }
    await pause(everyMs ?? pauseMs);
  }
}
