/** Cycles of one to so many actions are looked for. */
export const LONGEST_PERIOD = 5;
/** So many rounds of the same actions, and nothing else between, are no longer taken for work. */
export const ROUNDS = 5;
/** How many actions have to be remembered to find every cycle. */
export const MEMORY = LONGEST_PERIOD * ROUNDS;

/** What an agent does again and again. */
export interface Cycle {
  /** How many actions make one round; 1 to {@link LONGEST_PERIOD}, the shortest that fits. */
  readonly period: number;
}

/** The last actions of one agent in one conversation, oldest first, with one more. */
export function remember(actions: readonly string[], digest: string): readonly string[] {
  return [...actions.slice(Math.max(0, actions.length + 1 - MEMORY)), digest];
}

/**
 * The cycle in which the last actions move: the last {@link ROUNDS} rounds of its period are the same, action by action.
 * Null while there is none. An action is a digest of what was asked for, so that a loop counts that gets nowhere and one
 * that asks for something new each time does not.
 */
export function findCycle(actions: readonly string[]): Cycle | null {
  for (let period = 1; period <= LONGEST_PERIOD; period += 1) {
    const last = actions.slice(-period * ROUNDS);
    if (last.length < period * ROUNDS) return null;
    if (last.every((digest, index) => digest === last[index % period])) return { period };
  }
  return null;
}
