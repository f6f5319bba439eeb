import type { AgentPlaceAnswer, PlaceWaiter } from '../../domain/limits/handler-limits.ts';
import { limitOfKey, type QueueSettings } from '../../domain/queues/queue-settings.ts';
import type { PriorityBand } from '../../domain/tasks/priority.ts';
import { raceWithAbort } from '../../domain/waits.ts';
import type { ProcessSlot, ProcessSlots } from './process-slots.ts';

export interface AgentPlacesOptions {
  /** Belong to the tenant `system`: an agent's nodes are counted over all tenants. */
  readonly slots: ProcessSlots;
  /** The current settings of the queue, possibly a few seconds old. */
  readonly settings: () => Promise<QueueSettings>;
  readonly log: { warn(facts: { readonly agent: string }, message: string): void };
}

/** The longest that a dead process keeps its places. */
const LEASE_MS = 30_000;
const RENEW_MS = LEASE_MS / 3;
/** How long a node waits before it asks again: a place may become free at any moment, and each try costs two writes. */
const AGAIN_MS = 1_000;
/** A waiter that has not asked for this time leaves the line, so that a dead one blocks none; its wait still counts. */
const STANDS_MS = 5_000;
/** The first in line stay and ask Redis at this interval, for this time; then they return after this time. */
const STAY = { everyMs: 100, forMs: 1_000, againMs: 250 };
/** The share of `ageingSeconds` after which a waiter equals a new one of the highest band. */
const HANDICAPS: Record<PriorityBand, number> = { high: 0, normal: 0.5, low: 1 };

/**
 * Limits how many nodes of an agent run at once, over all processes, to the limit `agent:NAME`, which also limits its
 * tasks. Agents without a limit cost nothing. A place is held until its node has ended; the place of a dead process is
 * free again within 30 seconds. A Redis that was emptied gives out every place again, and while it is unavailable each
 * process uses its share of the limit.
 *
 * Nodes that find no place wait in one line over all processes and tenants, ordered by when they began to wait;
 * `normal` ones count as if they had come half of `ageingSeconds` later, `low` ones all of it. So equals are served in
 * order, urgent ones overtake, and no node waits behind one that comes `ageingSeconds` after it. Only the first in line
 * take places. Without Redis there is no line.
 */
export class AgentPlaces {
  readonly #options: AgentPlacesOptions;

  constructor(options: AgentPlacesOptions) {
    this.#options = options;
  }

  /**
   * Takes a place for one node of an agent, if there is one and it is the node's turn. One of the first in line stays
   * for a second unless its signal aborts, so that a free place is not left empty until the node asks again.
   */
  async take(agent: string, waiter: PlaceWaiter): Promise<AgentPlaceAnswer> {
    const key = `agent:${agent}`;
    const startedAt = performance.now();
    for (;;) {
      const settings = await this.#options.settings();
      const limit = limitOfKey(settings, key);
      if (limit === null) return { taken: true, release: () => undefined };
      const message = `The limit ${key} allows ${limit} nodes at once, and as many run or come first.`;
      if (limit === 0) return { taken: false, message, retryAfterMs: AGAIN_MS, waitedMs: 0 };
      const { id, band, waitedMs, stay } = waiter;
      const stayedMs = performance.now() - startedAt;
      const laterMs = HANDICAPS[band] * settings.ageingSeconds * 1_000 - waitedMs - stayedMs;
      const asked = { id, laterMs, standsMs: STANDS_MS };
      const answer = await this.#options.slots.acquireInTurn(key, asked, { limit, leaseMs: LEASE_MS });
      if (answer.acquired) return { taken: true, release: this.#hold(agent, answer.slot) };
      const isNext = answer.before < nextOnes(limit) && stay !== null;
      if (!isNext || stayedMs >= STAY.forMs) {
        return { taken: false, message, retryAfterMs: isNext ? STAY.againMs : AGAIN_MS, waitedMs: stayedMs };
      }
      await raceWithAbort(stay, () => new Promise((resolve) => setTimeout(resolve, STAY.everyMs)));
    }
  }

  /** Renews a place until it is released. */
  #hold(agent: string, slot: ProcessSlot): () => void {
    const { slots, log } = this.#options;
    const timer = setInterval(async () => {
      const renewed = await slots.renew(slot).catch(() => false);
      if (!renewed)
        log.warn({ agent }, "could not renew an agent's slot; more nodes than its limit may run until it expires");
    }, RENEW_MS).unref();
    return () => {
      clearInterval(timer);
      void slots.release(slot).catch(() => undefined);
    };
  }
}

/** How many nodes may wait in a worker: few compared with those that run, and enough to fill free places. */
function nextOnes(limit: number): number {
  return Math.max(2, Math.ceil(limit / 4));
}
