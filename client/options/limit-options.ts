import { z } from 'zod';
import type { LimitReservation } from '../../domain/limits/decision.ts';
import type { HandlerCall } from '../../domain/limits/handler-limits.ts';
import { LIMIT_CLASSES } from '../../domain/limits/outage.ts';
import { LIMIT_ALGORITHMS, type RateLimit } from '../../domain/limits/rate-limit.ts';
import { anyNumber, objectWith, oneOf, tenantId, text } from '../../options/fields.ts';
import { argumentOf, optionsOf } from '../../options/parse-options.ts';
import type { CooldownRequest } from '../../redis/limits/once.ts';
import type { ProcessSlot, ProcessSlotRequest } from '../../redis/limits/process-slots.ts';

/** How the options and arguments of limits are read. What a limit can hold is the limiter's to say. */

const name = text({ max: 320 });
const limitClass = oneOf(LIMIT_CLASSES).optional();
const number = anyNumber.optional();

const CALL = {
  user: name.optional(),
  endpoint: name.optional(),
  provider: name.optional(),
  model: name.optional(),
  cost: number,
  tokens: number,
  class: limitClass,
};

export const limitCalls = {
  take: optionsOf<HandlerCall>('take', CALL),
  check: optionsOf<HandlerCall>('check', CALL),
  reserve: optionsOf<HandlerCall>('reserve', CALL),
  status: optionsOf<HandlerCall>('status', CALL),
  reset: optionsOf<HandlerCall>('reset', CALL),
};
export const reserveOptions = optionsOf<{ readonly id?: string }>('reserve', { id: name.optional() });
export const reservationArgument = argumentOf(
  'settle',
  'reservation',
  objectWith<LimitReservation>('what reserve answered', { id: 'string', call: 'object' }),
);
export const tokensArgument = argumentOf('settle', 'tokens', anyNumber);

export const cooldownRequest = optionsOf<Omit<CooldownRequest, 'tenant'>>('cooldown', {
  user: name,
  command: name,
  seconds: number,
  class: limitClass,
});
export const onceKey = argumentOf('once', 'key', text({ max: 1_024 }));
export const onceSeconds = argumentOf('once', 'seconds', z.union([anyNumber, z.undefined()], { error: 'a number' }));

export const limitName = argumentOf('set', 'name', text({ max: 600 }));
export const rateLimit = optionsOf<RateLimit>('set', {
  algorithm: oneOf(LIMIT_ALGORITHMS),
  limit: anyNumber,
  perSeconds: anyNumber,
  burst: anyNumber,
  blockSeconds: anyNumber,
});
export const tierHolder = optionsOf<{ tenant?: string; user?: string }>('setTier', {
  tenant: tenantId.optional(),
  user: name.optional(),
});
export const tierArgument = argumentOf('setTier', 'tier', z.union([text(), z.null()], { error: 'a name or null' }));

export const slotKey = argumentOf('acquire', 'key', text({ max: 1_024 }));
export const slotRequest = optionsOf<ProcessSlotRequest>('acquire', { limit: anyNumber, leaseMs: number });
const slot = objectWith<ProcessSlot>('a slot that acquire gave', { id: 'string', key: 'string', source: 'string' });
export const renewedSlot = argumentOf('renew', 'slot', slot);
export const releasedSlot = argumentOf('release', 'slot', slot);
