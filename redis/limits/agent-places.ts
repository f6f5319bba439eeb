import type { AgentPlaceAnswer, PlaceWaiter } from '../../domain/limits/agent-place.ts';
import { limitOfKey, type QueueSettings } from '../../domain/queues/queue-settings.ts';
import { raceWithAbort } from '../../domain/race-with-abort.ts';
import type { PriorityBand } from '../../domain/tasks/priority.ts';
import type { ProcessSlot, ProcessSlots } from './process-slots.ts';

export interface AgentPlacesOptions {
  /** Of the tenant `system`: an agent's nodes are counted over all tenants. */
  readonly slots: ProcessSlots;
  /** The settings of the queue, about as they count now. */
  readonly settings: () => Promise<QueueSettings>;
  readonly log: { warn(facts: { readonly agent: string }, message: string): void };
}

/** What the death of a process costs at most: its places are free again after it. */
const LEASE_MS = 30_000;
const RENEW_MS = LEASE_MS / 3;
/** How long a node waits before it asks again: a place may become free at any moment, and each try costs two writes. */
const AGAIN_MS = 1_000;
/** Who has not asked for so long stands in line no more, but keeps what it has waited: a dead one holds nobody up. */
const STANDS_MS = 5_000;
/** The first in line stay and ask Redis each so often, for so long; then they are back this soon. */
const STAY = { everyMs: 100, forMs: 1_000, againMs: 250 };
/** How much of `ageingSeconds` a waiter has to wait to be as far as a new one of the highest band. */
const HANDICAPS: Record<PriorityBand, number> = { high: 0, normal: 0.5, low: 1 };

/**
 * How many nodes of an agent run at once, over all processes: as many as the limit `agent:NAME` says, beside the tasks
 * that it lets in. Agents without a limit cost nothing. A place is held until its node has ended; one whose process died
 * comes back within 30 seconds. A Redis that forgot all gives every place anew, and while it is unavailable each process
 * goes by its share of the limit.
 *
 * Who finds no place stands in line, over all processes and tenants, by when it began to wait; `normal` ones as if they had
 * come half of `ageingSeconds` later, `low` ones all of it. So equals are served as they came, urgent ones overtake, and
 * nobody waits behind those that come `ageingSeconds` after it. Only the first of the line take places. Without Redis, there
 * is no line.
 */
export class AgentPlaces {
  readonly #options: AgentPlacesOptions;

  constructor(options: AgentPlacesOptions) {
    this.#options = options;
  }

  /**
   * Takes a place for one node of an agent, if there is one and it is the node's turn. One of the first in line stays for a
   * second, while its signal lets it: a place that becomes free is not left empty until the node asks again.
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
      if (!renewed) log.warn({ agent }, 'a place of an agent could not be renewed; more of its nodes may run at once');
    }, RENEW_MS).unref();
    return () => {
      clearInterval(timer);
      void slots.release(slot).catch(() => undefined);
    };
  }
}

/** How many stay with a worker while they wait: few beside those that run, and enough to fill the places that become free. */
function nextOnes(limit: number): number {
  return Math.max(2, Math.ceil(limit / 4));
}
