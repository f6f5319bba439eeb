import { anyNumber, objectWith, text } from '../options/fields.ts';
import { argumentOf, optionsOf } from '../options/parse-options.ts';
import type {
  ProcessSlot,
  ProcessSlotAnswer,
  ProcessSlotRequest,
  ProcessSlots,
} from '../redis/limits/process-slots.ts';

const slotKey = argumentOf('acquire', 'key', text({ max: 1_024 }));
export const slotRequest = optionsOf<ProcessSlotRequest>('acquire', {
  limit: anyNumber,
  leaseMs: anyNumber.optional(),
});
const slot = objectWith<ProcessSlot>('a slot that acquire gave', { id: 'string', key: 'string', source: 'string' });
const renewedSlot = argumentOf('renew', 'slot', slot);
const releasedSlot = argumentOf('release', 'slot', slot);

/** The slots of processes as a program uses them: what it hands in is read before it reaches Redis. */
export class CheckedSlots {
  readonly #slots: ProcessSlots;

  constructor(slots: ProcessSlots) {
    this.#slots = slots;
  }

  /**
   * Takes a slot if one is free. An answer that is lost leaves a slot held until its deadline.
   * @throws OptionInvalid, CostInvalid
   */
  async acquire(key: string, request: ProcessSlotRequest): Promise<ProcessSlotAnswer> {
    return this.#slots.acquire(slotKey(key), slotRequest(request));
  }

  /** Puts the deadline off by the length of the lease. False when the slot is lost, or Redis does not answer. */
  async renew(slot: ProcessSlot): Promise<boolean> {
    return this.#slots.renew(renewedSlot(slot));
  }

  /** Gives the slot back. Repeating it changes nothing; where it fails, the deadline gives it back. */
  async release(slot: ProcessSlot): Promise<void> {
    await this.#slots.release(releasedSlot(slot));
  }
}
