import type { LimitClass } from '../../domain/limits/outage.ts';
import { text } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';
import { holderName, limitClass, number } from './limit-fields.ts';

export interface OnceInput {
  readonly key: string;
  readonly seconds?: number;
}

/** Allowed for the first call with the key, and for no other within the time, 180 s by default. @throws CostInvalid */
export const once = defineOperation({
  name: 'limits.once',
  summary: 'Allows the first call with a key within a time.',
  effect: 'write',
  permission: 'limits:use',
  unit: 'none',
  input: { key: text({ max: 1_024 }), seconds: number },
  handle: ({ caller, stores }, { key, seconds }: OnceInput) => stores.onceKeys.once(caller.tenant, key, seconds),
});

export interface CooldownInput {
  readonly user: string;
  readonly command: string;
  readonly seconds?: number;
  readonly class?: LimitClass;
}

/** Starts the cooldown of a user's command, or says how long it still lasts. @throws CostInvalid */
export const cooldown = defineOperation({
  name: 'limits.cooldown',
  summary: "Starts the cooldown of a user's command.",
  effect: 'write',
  permission: 'limits:use',
  unit: 'none',
  input: { user: holderName, command: holderName, seconds: number, class: limitClass },
  handle: ({ caller, stores }, request: CooldownInput) =>
    stores.onceKeys.cooldown({ ...request, tenant: caller.tenant }),
});
