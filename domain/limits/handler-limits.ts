import type { PriorityBand } from '../tasks/priority.ts';
import type { LimitDecision, LimitReservation, Settlement } from './decision.ts';
import type { LimitedCall } from './limits-of-call.ts';

/** A handler's call as limits see it. The tenant is the task's. */
export type HandlerCall = Omit<LimitedCall, 'tenant'>;

/**
 * The limits of a handler. Take from them before anything else: a handler that has to wait is called again from its
 * beginning, on any worker, when there is room. Meanwhile it holds no place in a worker, and the attempt counts as
 * neither failed nor crashed.
 */
export interface HandlerLimits {
  /**
   * Takes the call's cost from every limit that applies, or from none.
   * @throws RateLimited if there is no room: let it pass, and the node waits. A handler that catches it may continue
   * without the call.
   * @throws CostInvalid for a cost that never fits
   */
  take(call: HandlerCall): Promise<LimitDecision>;
  /**
   * Takes like {@link take}, with an estimate of the tokens; {@link settle} corrects it. A repetition within the attempt under
   * the same step takes nothing more; an attempt that dies leaves its estimate charged, since it may have used it.
   * @throws RateLimited, CostInvalid
   */
  reserve(step: string, call: HandlerCall): Promise<LimitReservation>;
  /** Replaces the estimate by the real number of tokens. Repeating it changes nothing. */
  settle(reservation: LimitReservation, tokens: number): Promise<Settlement>;
}

/** A node that needs a place of its agent. */
export interface PlaceWaiter {
  /** The same for all requests of the node, and unique to it. */
  readonly id: string;
  /** The band of its task. */
  readonly band: PriorityBand;
  /** How long it has waited for limits so far. */
  readonly waitedMs: number;
  /** Until when it may wait; null if it must not delay others. */
  readonly stay: AbortSignal | null;
}

/**
 * A place for one node of an agent, to be released when the node has ended; or how long to wait before the next
 * request, and how long it has waited already.
 */
export type AgentPlaceAnswer =
  | { readonly taken: true; readonly release: () => void }
  | { readonly taken: false; readonly message: string; readonly retryAfterMs: number; readonly waitedMs: number };
