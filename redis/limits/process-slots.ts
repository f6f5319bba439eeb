import { randomUUID } from 'node:crypto';
import { CostInvalid } from '../../domain/limits/limit-errors.ts';
import type { SlotKeys } from '../limit-keys.ts';
import type { GuardedRedis } from './guarded-redis.ts';

export interface ProcessSlotRequest {
  /** How many may be held at once, over all processes. 1 to 100,000. */
  readonly limit: number;
  /**
   * How long it is held without being renewed: a process that dies gives it back after so long. Renew at a third of it. 10 to
   * 30,000. @defaultValue 10000
   */
  readonly leaseMs?: number;
}

/** One slot in the hands of this process. */
export interface ProcessSlot {
  readonly id: string;
  readonly key: string;
  readonly leaseMs: number;
  /**
   * Grows with every slot taken under the key, even after Redis was emptied, because it is never below Redis' clock in
   * microseconds. Whoever is written to can refuse a holder that was overtaken. Null for a slot taken without Redis.
   */
  readonly fence: number | null;
  readonly source: 'redis' | 'local';
}

/** A slot; or, where all are held, after how many milliseconds the next deadline falls. */
export type ProcessSlotAnswer =
  | { readonly acquired: true; readonly slot: ProcessSlot }
  | { readonly acquired: false; readonly retryAfterMs: number };

/** Who waits in line for a slot. */
export interface SlotWaiter {
  /** The same whenever it asks. */
  readonly id: string;
  /** By how much its turn is later than now when it is new in the line; below 0 if it has waited before. */
  readonly laterMs: number;
  /** How long it stands in the line without asking again. */
  readonly standsMs: number;
}

/** A slot; or how many stand in line before it, beyond those for whom a slot is free. */
export type TurnAnswer =
  | { readonly acquired: true; readonly slot: ProcessSlot }
  | { readonly acquired: false; readonly before: number };

const DEFAULT_LEASE_MS = 10_000;
/** What a crash costs at most: the slot is free again after it. */
const MAX_LEASE_MS = 30_000;
/** Longer than any lease; and so long that a clock that is set back does not meet a forgotten fence. */
const KEY_LIFETIME_MS = 86_400_000;
/** A slot taken without Redis waits for its turn so long when this process's share is held. */
const LOCAL_RETRY_MS = 250;

/**
 * Slots of processes: how many of one thing go on at once, over all processes. Each is *held* until it is released or its deadline passes;
 * renewing puts the deadline off, and a slot whose deadline has passed is lost.
 *
 * While Redis is unavailable a process may hold its share, the limit divided by the processes that live, and at least one.
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

  /** Takes a slot if one is free. An answer that is lost leaves a slot held until its deadline. @throws CostInvalid */
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
   * Takes a slot if one is free and it is the waiter's turn; otherwise it stands in line from now on. Use it for all slots of
   * a key or for none: {@link acquire} passes the line by. Without Redis there is no line. @throws CostInvalid
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

  /** Puts the deadline off by the length of the lease. False when the slot is lost, or Redis does not answer. */
  async renew({ id, key, leaseMs, source }: ProcessSlot): Promise<boolean> {
    if (source === 'local') return this.#renewAlone(id, key, leaseMs);
    const { holders } = this.#keysOf(key);
    const answer = await this.#redis.ask((redis) => redis.renewSlot(holders, id, Math.ceil(leaseMs), KEY_LIFETIME_MS));
    return answer === 'renewed';
  }

  /** Gives the slot back. Repeating it changes nothing; where it fails, the deadline gives it back. */
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
