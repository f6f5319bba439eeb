import type { LimitDecision, LimitReservation, Settlement } from './decision.ts';
import type { LimitedCall } from './limits-of-call.ts';

/** What a handler is about to do, as far as limits are concerned. The tenant is the task's. */
export type HandlerCall = Omit<LimitedCall, 'tenant'>;

/**
 * The limits of a handler. Ask before anything else: a handler that has to wait is called again from its beginning, on any
 * worker, when there is room. Meanwhile it holds no place in a worker, and the attempt counts neither as failed nor as crashed.
 */
export interface HandlerLimits {
  /**
   * Takes the call's cost from every limit that applies, or from none.
   * @throws RateLimited where there is no room: let it pass, and the node waits. Whoever catches it may do without the call.
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
