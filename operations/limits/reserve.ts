import type { LimitReservation } from '../../domain/limits/decision.ts';
import type { HandlerCall } from '../../domain/limits/handler-limits.ts';
import { anyNumber } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';
import { CALL_FIELDS, holderName, reservation } from './limit-fields.ts';

export interface ReserveInput extends HandlerCall {
  readonly id?: string;
}

/**
 * Takes like `limits.take`, with an estimate of the tokens that `limits.settle` replaces by the real number. Under the
 * same `id` a repetition takes nothing more. @throws CostInvalid
 */
export const reserveLimits = defineOperation({
  name: 'limits.reserve',
  summary: 'Takes an estimate of tokens from the limits that apply to a call.',
  effect: 'write',
  permission: 'limits:use',
  unit: 'none',
  input: { ...CALL_FIELDS, id: holderName.optional() },
  handle: ({ caller, stores }, { id, ...call }: ReserveInput) =>
    stores.rateLimits.reserve({ ...call, tenant: caller.tenant }, id === undefined ? {} : { id }),
});

export interface SettleInput {
  readonly reservation: LimitReservation;
  readonly tokens: number;
}

/** Replaces a reservation's estimate by the real number of tokens. Repeatable. @throws CostInvalid */
export const settleLimits = defineOperation({
  name: 'limits.settle',
  summary: 'Replaces the estimate of a reservation by the real number of tokens.',
  effect: 'write',
  permission: 'limits:use',
  unit: 'none',
  input: { reservation, tokens: anyNumber },
  handle: ({ stores }, { reservation: reserved, tokens }: SettleInput) => stores.rateLimits.settle(reserved, tokens),
});
