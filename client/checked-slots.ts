import { acquireSlot, releaseSlot, renewSlot } from '../operations/limits/slots.ts';
import type { ProcessSlot, ProcessSlotAnswer, ProcessSlotRequest } from '../redis/limits/process-slots.ts';
import { type Face, withArguments } from './face.ts';

/** How many of one thing happen at once, over all processes. */
export class CheckedSlots {
  readonly #face: Face;

  constructor(face: Face) {
    this.#face = face;
  }

  /**
   * Takes a slot if one is free. An answer that is lost leaves a slot held until its deadline.
   * @throws OptionInvalid, CostInvalid
   */
  async acquire(key: string, request: ProcessSlotRequest): Promise<ProcessSlotAnswer> {
    return this.#face.call(acquireSlot, withArguments('acquire', request, { key }));
  }

  /** Puts the deadline off by the length of the lease. False when the slot is lost, or Redis does not answer. */
  renew(slot: ProcessSlot): Promise<boolean> {
    return this.#face.call(renewSlot, { slot });
  }

  /** Gives the slot back. Repeating it changes nothing; where it fails, the deadline gives it back. */
  release(slot: ProcessSlot): Promise<void> {
    return this.#face.call(releaseSlot, { slot });
  }
}
