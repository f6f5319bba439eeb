import { growingWaitMs } from '../waits.ts';

/** The life of a message between agents. */
export const MESSAGE_STATUSES = ['pending', 'leased', 'processed', 'dead'] as const;
export type MessageStatus = (typeof MESSAGE_STATUSES)[number];

export const MESSAGE_TYPES = ['command', 'query', 'response', 'event', 'heartbeat', 'error'] as const;
export type MessageType = (typeof MESSAGE_TYPES)[number];

/** 1 critical, 2 high, 3 normal, 4 low. */
export const MESSAGE_PRIORITY_RANGE = { min: 1, max: 4, default: 3 } as const;

/** How often a message is delivered before it is given up. */
export const MAX_DELIVERIES = 5;

const DELAY = { firstMs: 1_000, mostMs: 60_000 };

/** What happens to a message after a failed delivery. */
export type AfterFailure = { readonly kind: 'again'; readonly delayMs: number } | { readonly kind: 'dead' };

/**
 * A message is delivered again after 1, 2, 4 and 8 seconds. It is dead after the fifth failure, or at once if repeating
 * cannot help. The delay doubles each time, up to 60 s.
 * @param deliveries so far, including this one
 */
export function afterFailedDelivery(deliveries: number, retryable: boolean): AfterFailure {
  if (!retryable || deliveries >= MAX_DELIVERIES) return { kind: 'dead' };
  return { kind: 'again', delayMs: growingWaitMs(DELAY, deliveries) };
}
