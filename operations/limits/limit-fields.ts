import { z } from 'zod';
import type { LimitReservation } from '../../domain/limits/decision.ts';
import type { HandlerCall } from '../../domain/limits/handler-limits.ts';
import { LIMIT_CLASSES } from '../../domain/limits/outage.ts';
import { LIMIT_ALGORITHMS, type RateLimit } from '../../domain/limits/rate-limit.ts';
import { anyNumber, objectWith, oneOf, text } from '../../options/fields.ts';
import { type OptionFields, optionsOf } from '../../options/parse-options.ts';

/** How the fields of operations on limits are read. What a limit can hold is the limiter's to say. */

export const holderName = text({ max: 320 });
export const limitClass = oneOf(LIMIT_CLASSES).optional();
export const number = anyNumber.optional();

/** What a caller is about to do. */
export const CALL_FIELDS: OptionFields<HandlerCall> = {
  user: holderName.optional(),
  endpoint: holderName.optional(),
  provider: holderName.optional(),
  model: holderName.optional(),
  cost: number,
  tokens: number,
  class: limitClass,
};

export const reservation = objectWith<LimitReservation>('what reserve answered', { id: 'string', call: 'object' });

const rateLimit = optionsOf<RateLimit>('set', {
  algorithm: oneOf(LIMIT_ALGORITHMS),
  limit: anyNumber,
  perSeconds: anyNumber,
  burst: anyNumber,
  blockSeconds: anyNumber,
});

/** A limit; null for none, also where one ships; `'default'` for what ships. */
export type LimitValue = RateLimit | null | 'default';

/** @throws OptionInvalid */
export function limitValueOf(value: LimitValue): LimitValue {
  return value === null || value === 'default' ? value : { ...rateLimit(value) };
}

/** What it is, {@link limitValueOf} says more about. */
export const anyLimit = z.unknown() as unknown as z.ZodType<LimitValue>;
