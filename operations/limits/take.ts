import type { LimitReservation } from '../../domain/limits/decision.ts';
import type { HandlerCall } from '../../domain/limits/handler-limits.ts';
import { LIMIT_CLASSES } from '../../domain/limits/outage.ts';
import { anyNumber, objectWith, oneOf, text } from '../../options/fields.ts';
import type { OptionFields } from '../../options/parse-options.ts';
import type { CooldownRequest } from '../../redis/limits/once.ts';
import type { ProcessSlot, ProcessSlotRequest } from '../../redis/limits/process-slots.ts';
import { defineOperation } from '../define.ts';

/** How the fields of operations on limits are read. The limiter itself checks what a limit can hold. */

export const holderName = text({ max: 320 });
const limitClass = oneOf(LIMIT_CLASSES).optional();
const number = anyNumber.optional();

/** What a caller is about to do. */
const CALL_FIELDS: OptionFields<HandlerCall> = {
  user: holderName.optional(),
  endpoint: holderName.optional(),
  provider: holderName.optional(),
  model: holderName.optional(),
  cost: number,
  tokens: number,
  class: limitClass,
};

const reservation = objectWith<LimitReservation>('what reserve answered', { id: 'string', call: 'object' });

/** What most operations on limits declare alike. */
const USE = { effect: 'write', risk: 'external_write', permission: 'limits:use', unit: 'none' } as const;
const LOOK = { ...USE, effect: 'read', risk: 'read_only' } as const;

export const takeLimits = defineOperation({
  ...USE,
  name: 'limits.take',
  summary: 'Takes the cost of a call from every limit that applies to it, or from none.',
  input: CALL_FIELDS,
  handle: ({ caller, stores }, call: HandlerCall) => stores.rateLimits.take({ ...call, tenant: caller.tenant }),
});

export const checkLimits = defineOperation({
  ...LOOK,
  name: 'limits.check',
  summary: 'Says whether a call would be allowed, and takes nothing.',
  input: CALL_FIELDS,
  handle: ({ caller, stores }, call: HandlerCall) => stores.rateLimits.check({ ...call, tenant: caller.tenant }),
});

export const limitStatus = defineOperation({
  ...LOOK,
  name: 'limits.status',
  summary: 'Shows the state of each limit that applies to a call.',
  input: CALL_FIELDS,
  handle: ({ caller, stores }, call: HandlerCall) => stores.rateLimits.status({ ...call, tenant: caller.tenant }),
});

export const resetLimits = defineOperation({
  ...USE,
  name: 'limits.reset',
  summary: 'Forgets what was taken under the limits that apply to a call.',
  risk: 'high_risk',
  permission: 'limits:admin',
  input: CALL_FIELDS,
  handle: ({ caller, stores }, call: HandlerCall) => stores.rateLimits.reset({ ...call, tenant: caller.tenant }),
});

export const reserveLimits = defineOperation({
  ...USE,
  name: 'limits.reserve',
  summary: 'Takes an estimate of tokens from the limits that apply to a call.',
  input: { ...CALL_FIELDS, id: holderName.optional() },
  handle: ({ caller, stores }, { id, ...call }: HandlerCall & { readonly id?: string }) =>
    stores.rateLimits.reserve({ ...call, tenant: caller.tenant }, id === undefined ? {} : { id }),
});

export interface SettleInput {
  readonly reservation: LimitReservation;
  readonly tokens: number;
}

/** A reservation of another tenant is `unknown`. */
export const settleLimits = defineOperation({
  ...USE,
  name: 'limits.settle',
  summary: 'Replaces the estimate of a reservation by the real number of tokens.',
  input: { reservation, tokens: anyNumber },
  handle: ({ caller, stores }, { reservation: reserved, tokens }: SettleInput) => {
    const call = { ...reserved.call, tenant: caller.tenant };
    return stores.rateLimits.settle({ ...reserved, call }, tokens);
  },
});

export const once = defineOperation({
  ...USE,
  name: 'limits.once',
  summary: 'Allows the first call with a key within a period.',
  input: { key: text({ max: 1_024 }), seconds: number },
  handle: ({ caller, stores }, { key, seconds }: { readonly key: string; readonly seconds?: number }) =>
    stores.onceKeys.once(caller.tenant, key, seconds),
});

export const cooldown = defineOperation({
  ...USE,
  name: 'limits.cooldown',
  summary: "Starts the cooldown of a user's command.",
  input: { user: holderName, command: holderName, seconds: number, class: limitClass },
  handle: ({ caller, stores }, request: Omit<CooldownRequest, 'tenant'>) =>
    stores.onceKeys.cooldown({ ...request, tenant: caller.tenant }),
});

export interface SlotInput {
  readonly slot: ProcessSlot;
}

const slot = objectWith<ProcessSlot>('a slot that acquire gave', { id: 'string', key: 'string', source: 'string' });

export const acquireSlot = defineOperation({
  ...USE,
  name: 'limits.acquire',
  summary: 'Takes a slot that all processes share, if one is free.',
  input: { key: text({ max: 1_024 }), limit: anyNumber, leaseMs: number },
  handle: ({ caller, stores }, { key, ...request }: ProcessSlotRequest & { readonly key: string }) =>
    stores.slotsOf(caller.tenant).acquire(key, request),
});

export const renewSlot = defineOperation({
  ...USE,
  name: 'limits.renew',
  summary: 'Extends the deadline of a slot.',
  input: { slot },
  handle: ({ caller, stores }, input: SlotInput) => stores.slotsOf(caller.tenant).renew(input.slot),
});

export const releaseSlot = defineOperation({
  ...USE,
  name: 'limits.release',
  summary: 'Gives a slot back.',
  input: { slot },
  handle: ({ caller, stores }, input: SlotInput) => stores.slotsOf(caller.tenant).release(input.slot),
});
