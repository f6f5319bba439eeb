import type { HandlerCall } from '../../domain/limits/handler-limits.ts';
import { defineOperation } from '../define.ts';
import { CALL_FIELDS } from './limit-fields.ts';

/** What asks the limits that apply to a call of the caller's tenant. */
const ASK = { permission: 'limits:use', unit: 'none', input: CALL_FIELDS } as const;

/** Takes the call's cost from every limit that applies to it, or from none. @throws CostInvalid for a cost that never fits */
export const takeLimits = defineOperation({
  ...ASK,
  name: 'limits.take',
  summary: 'Takes the cost of a call from every limit that applies to it, or from none.',
  effect: 'write',
  handle: ({ caller, stores }, call: HandlerCall) => stores.rateLimits.take({ ...call, tenant: caller.tenant }),
});

/** Answers what {@link takeLimits} would, and takes nothing. @throws CostInvalid */
export const checkLimits = defineOperation({
  ...ASK,
  name: 'limits.check',
  summary: 'Says whether a call would be allowed, and takes nothing.',
  effect: 'read',
  handle: ({ caller, stores }, call: HandlerCall) => stores.rateLimits.check({ ...call, tenant: caller.tenant }),
});

/** How each limit that applies to a call stands. Takes nothing. */
export const limitStatus = defineOperation({
  ...ASK,
  name: 'limits.status',
  summary: 'Says how each limit that applies to a call stands.',
  effect: 'read',
  handle: ({ caller, stores }, call: HandlerCall) => stores.rateLimits.status({ ...call, tenant: caller.tenant }),
});

/**
 * Forgets what was taken under the limits that apply to a call, blocks included: also under those that the call shares
 * with others. False when Redis is unavailable.
 */
export const resetLimits = defineOperation({
  ...ASK,
  name: 'limits.reset',
  summary: 'Forgets what was taken under the limits that apply to a call.',
  effect: 'write',
  permission: 'limits:admin',
  handle: ({ caller, stores }, call: HandlerCall) => stores.rateLimits.reset({ ...call, tenant: caller.tenant }),
});
