import type { PriorityBand } from '../tasks/priority.ts';

/** A node that wants a place of its agent. */
export interface PlaceWaiter {
  /** The same whenever the node asks, and nobody else's. */
  readonly id: string;
  /** The band of its task. */
  readonly band: PriorityBand;
  /** How long it has waited for limits before. */
  readonly waitedMs: number;
  /** Until when it may stay for a moment to wait; null for one that must not hold up others. */
  readonly stay: AbortSignal | null;
}

/**
 * A place for one node of an agent, to be released when the node has ended; or how long to wait before asking again, and how
 * long was waited already.
 */
export type AgentPlaceAnswer =
  | { readonly taken: true; readonly release: () => void }
  | { readonly taken: false; readonly message: string; readonly retryAfterMs: number; readonly waitedMs: number };
