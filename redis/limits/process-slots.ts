import { randomUUID } from 'node:crypto';
import { CostInvalid } from '../../domain/limits/limit-errors.ts';
import type { SlotKeys } from '../limit-keys.ts';
import type { GuardedRedis } from './guarded-redis.ts';

export interface ProcessSlotRequest {
  /** How many may be held at once, over all processes. 1 to 100,000. */
  readonly limit: number;
  /**
   * How long it is held without renewal, and so how long a dead process keeps it. Renew at a third of it. 10 to 30,000.
   * @defaultValue 10000
   */
  readonly leaseMs?: number;
}

export interface ProcessSlot {
  readonly id: string;
  readonly key: string;
  readonly leaseMs: number;
  /**
   * Grows with every slot taken under the key, even after Redis was emptied, because it is never below Redis' clock in
   * microseconds. A receiver can refuse a holder with an older fence. Null for a slot taken without Redis.
   */
  readonly fence: number | null;
  readonly source: 'redis' | 'local';
}

/** A slot; or, if all are held, the milliseconds until the next deadline. */
export type ProcessSlotAnswer =
  | { readonly acquired: true; readonly slot: ProcessSlot }
  | { readonly acquired: false; readonly retryAfterMs: number };

export interface SlotWaiter {
  /** The same in every request. */
  readonly id: string;
  /** The delay of its turn when it is new in the line; below 0 if it has waited before. */
  readonly laterMs: number;
  /** How long it keeps its place in line without asking again. */
  readonly standsMs: number;
}

/** A slot; or how many in line before it find no free slot. */
export type TurnAnswer =
  | { readonly acquired: true; readonly slot: ProcessSlot }
  | { readonly acquired: false; readonly before: number };

const DEFAULT_LEASE_MS = 10_000;
/** The longest that a crashed process keeps a slot. */
const MAX_LEASE_MS = 30_000;
/** Longer than any lease, and long enough that a clock that is set back finds the last fence. */
const KEY_LIFETIME_MS = 86_400_000;
/** The wait for a slot without Redis while this process's share is held. */
const LOCAL_RETRY_MS = 250;

/**
 * Slots of processes: how many of one thing happen at once, over all processes. Each is *held* until it is released or
 * its deadline passes; renewing extends the deadline, and a slot whose deadline has passed is lost.
 *
 * While Redis is unavailable a process may hold its share, which is the limit divided by the live processes, and at
 * least one.
 */
export class ProcessSlots {
  readonly #redis: GuardedRedis;
  readonly #tenant: string;
  readonly #liveProcesses: () => number;
  /** Deadlines of the slots taken without Redis, by `performance.now`. */
  readonly #local = new Map<string, Map<string, number>>();

  constructor(redis: GuardedRedis, { tenant, liveProcesses }: { tenant: string; liveProcesses: () => number }) {
    this.#redis = redis;
    this.#tenant = tenant;
    this.#liveProcesses = liveProcesses;
  }

  /** Takes a slot if one is free. If the answer is lost, it stays taken until its deadline. @throws CostInvalid */
  async acquire(key: string, { limit, leaseMs = DEFAULT_LEASE_MS }: ProcessSlotRequest): Promise<ProcessSlotAnswer> {
    checkRequest(limit, leaseMs);
    const id = randomUUID();
    const { holders, fence } = this.#keysOf(key);
    const answer = await this.#redis.ask((redis) =>
      redis.acquireSlot(holders, fence, id, limit, Math.ceil(leaseMs), KEY_LIFETIME_MS),
    );
    if (answer === null) return this.#acquireAlone({ id, key, leaseMs }, limit);
    const [outcome, taken, retryAfterMs] = answer;
    if (outcome === 'full') return { acquired: false, retryAfterMs };
    return { acquired: true, slot: { id, key, leaseMs, fence: taken, source: 'redis' } };
  }

  /**
   * Takes a slot if one is free and it is the waiter's turn; otherwise the waiter joins the line. Use it for all slots
   * of a key or for none: {@link acquire} ignores the line. Without Redis there is no line. @throws CostInvalid
   */
  async acquireInTurn(
    key: string,
    waiter: SlotWaiter,
    { limit, leaseMs = DEFAULT_LEASE_MS }: ProcessSlotRequest,
  ): Promise<TurnAnswer> {
    checkRequest(limit, leaseMs);
    const slotId = randomUUID();
    const { holders, fence, line, until } = this.#keysOf(key);
    const { id, laterMs, standsMs } = waiter;
    const answer = await this.#redis.ask((redis) =>
      redis.acquirePlace(
        ...([holders, fence, line, until] as const),
        ...([slotId, limit, Math.ceil(leaseMs), KEY_LIFETIME_MS] as const),
        ...([id, Math.round(laterMs), standsMs] as const),
      ),
    );
    if (answer === null) {
      const alone = this.#acquireAlone({ id: slotId, key, leaseMs }, limit);
      return alone.acquired ? alone : { acquired: false, before: 0 };
    }
    const [outcome, taken, before] = answer;
    if (outcome === 'full') return { acquired: false, before };
    return { acquired: true, slot: { id: slotId, key, leaseMs, fence: taken, source: 'redis' } };
  }

  /** Extends the deadline by the length of the lease. False when the slot is lost, or Redis does not answer. */
  async renew({ id, key, leaseMs, source }: ProcessSlot): Promise<boolean> {
    if (source === 'local') return this.#renewAlone(id, key, leaseMs);
    const { holders } = this.#keysOf(key);
    const answer = await this.#redis.ask((redis) => redis.renewSlot(holders, id, Math.ceil(leaseMs), KEY_LIFETIME_MS));
    return answer === 'renewed';
  }

  /** Gives the slot back. Repeating it changes nothing; if it fails, the slot is free after its deadline. */
  async release({ id, key, source }: ProcessSlot): Promise<void> {
    if (source === 'local') this.#local.get(key)?.delete(id);
    else await this.#redis.ask((redis) => redis.zrem(this.#keysOf(key).holders, id));
  }

  #acquireAlone(wanted: { id: string; key: string; leaseMs: number }, limit: number): ProcessSlotAnswer {
    const { id, key, leaseMs } = wanted;
    const held = this.#heldAlone(key);
    const share = Math.max(1, Math.floor(limit / Math.max(1, this.#liveProcesses())));
    if (held.size >= share) return { acquired: false, retryAfterMs: LOCAL_RETRY_MS };
    held.set(id, performance.now() + leaseMs);
    return { acquired: true, slot: { id, key, leaseMs, fence: null, source: 'local' } };
  }

  #renewAlone(id: string, key: string, leaseMs: number): boolean {
    const held = this.#heldAlone(key);
    if (!held.has(id)) return false;
    held.set(id, performance.now() + leaseMs);
    return true;
  }

  #heldAlone(key: string): Map<string, number> {
    const held = this.#local.get(key) ?? new Map<string, number>();
    this.#local.set(key, held);
    for (const [id, deadline] of held) if (deadline <= performance.now()) held.delete(id);
    return held;
  }

  #keysOf(key: string): SlotKeys {
    return this.#redis.keys.limits(this.#tenant).slots(key);
  }
}

function checkRequest(limit: number, leaseMs: number): void {
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= 100_000)) throw new CostInvalid('limit', limit, 100_000);
  if (!(leaseMs >= 10 && leaseMs <= MAX_LEASE_MS)) throw new CostInvalid('leaseMs', leaseMs, MAX_LEASE_MS);
}
