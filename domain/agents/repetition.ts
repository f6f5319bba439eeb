/** The longest cycle of actions that is detected. */
export const LONGEST_PERIOD = 5;
/** After this many uninterrupted rounds of the same actions, an agent counts as repeating itself. */
export const ROUNDS = 5;
/** How many actions have to be remembered to find every cycle. */
export const MEMORY = LONGEST_PERIOD * ROUNDS;

/** The cycle of an agent that repeats itself. */
export interface Cycle {
  /** How many actions make one round; 1 to {@link LONGEST_PERIOD}, the shortest that fits. */
  readonly period: number;
}

/** The last actions of one agent in one conversation, oldest first, with one more. */
export function remember(actions: readonly string[], digest: string): readonly string[] {
  return [...actions.slice(Math.max(0, actions.length + 1 - MEMORY)), digest];
}

/**
 * The cycle of the last actions: the last {@link ROUNDS} rounds of its period are the same, action by action. Null
 * while there is none. An action is a digest of the request, so that a loop without progress counts, and one that
 * requests something new each time does not.
 */
export function findCycle(actions: readonly string[]): Cycle | null {
  for (let period = 1; period <= LONGEST_PERIOD; period += 1) {
    const last = actions.slice(-period * ROUNDS);
    if (last.length < period * ROUNDS) return null;
    if (last.every((digest, index) => digest === last[index % period])) return { period };
  }
  return null;
}
