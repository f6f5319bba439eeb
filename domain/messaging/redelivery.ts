import { growingWaitMs } from '../waits.ts';

/** So often a message is handed to its recipient before it is given up. */
export const MAX_DELIVERIES = 5;

const DELAY = { firstMs: 1_000, mostMs: 60_000 };

/** How a message goes on after a delivery that failed. */
export type AfterFailure = { readonly kind: 'again'; readonly delayMs: number } | { readonly kind: 'dead' };

/**
 * Again after 1, 2, 4 and 8 seconds; dead after the fifth failure, or at once where repeating cannot help. The delay is
 * the longer, the more often it failed: 1 s doubled each time, at most 60 s.
 * @param deliveries so far, this one included
 */
export function afterFailedDelivery(deliveries: number, retryable: boolean): AfterFailure {
  if (!retryable || deliveries >= MAX_DELIVERIES) return { kind: 'dead' };
  return { kind: 'again', delayMs: growingWaitMs(DELAY, deliveries) };
}
