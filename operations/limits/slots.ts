import { anyNumber, objectWith, text } from '../../options/fields.ts';
import type { ProcessSlot, ProcessSlotRequest } from '../../redis/limits/process-slots.ts';
import { defineOperation } from '../define.ts';
import { number } from './limit-fields.ts';

export interface AcquireInput extends ProcessSlotRequest {
  readonly key: string;
}

export interface SlotInput {
  readonly slot: ProcessSlot;
}

const slot = objectWith<ProcessSlot>('a slot that acquire gave', { id: 'string', key: 'string', source: 'string' });

/** Takes a slot if one is free. An answer that is lost leaves a slot held until its deadline. @throws CostInvalid */
export const acquireSlot = defineOperation({
  name: 'limits.acquire',
  summary: 'Takes one of a number of slots that all processes share, if one is free.',
  effect: 'write',
  permission: 'limits:use',
  unit: 'none',
  input: { key: text({ max: 1_024 }), limit: anyNumber, leaseMs: number },
  handle: ({ caller, stores }, { key, ...request }: AcquireInput) =>
    stores.slotsOf(caller.tenant).acquire(key, request),
});

/** Puts the deadline off by the length of the lease. False when the slot is lost, or Redis does not answer. */
export const renewSlot = defineOperation({
  name: 'limits.renew',
  summary: 'Puts off the deadline of a slot.',
  effect: 'write',
  permission: 'limits:use',
  unit: 'none',
  input: { slot },
  handle: ({ caller, stores }, input: SlotInput) => stores.slotsOf(caller.tenant).renew(input.slot),
});

/** Gives a slot back. Repeating it changes nothing; where it fails, the deadline gives the slot back. */
export const releaseSlot = defineOperation({
  name: 'limits.release',
  summary: 'Gives a slot back.',
  effect: 'write',
  permission: 'limits:use',
  unit: 'none',
  input: { slot },
  handle: ({ caller, stores }, input: SlotInput) => stores.slotsOf(caller.tenant).release(input.slot),
});
