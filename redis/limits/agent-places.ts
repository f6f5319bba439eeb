import type { AgentPlaceAnswer } from '../../domain/limits/agent-place.ts';
import { limitOfKey, type QueueSettings } from '../../domain/queues/queue-settings.ts';
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

/**
 * How many nodes of an agent run at once, over all processes: as many as the limit `agent:NAME` says, beside the tasks
 * that it lets in. Agents without a limit cost nothing. A place is held until its node has ended; one whose process died
 * comes back within 30 seconds. A Redis that forgot all gives every place anew, and while it is unavailable each process
 * goes by its share of the limit.
 */
export class AgentPlaces {
  readonly #options: AgentPlacesOptions;

  constructor(options: AgentPlacesOptions) {
    this.#options = options;
  }

  /** Takes a place for one node of an agent, if there is one. */
  async take(agent: string): Promise<AgentPlaceAnswer> {
    const key = `agent:${agent}`;
    const limit = limitOfKey(await this.#options.settings(), key);
    if (limit === null) return { taken: true, release: () => undefined };
    const answer = limit === 0 ? null : await this.#options.slots.acquire(key, { limit, leaseMs: LEASE_MS });
    if (answer?.acquired === true) return { taken: true, release: this.#hold(agent, answer.slot) };
    const message = `The limit ${key} allows ${limit} nodes at once, and as many run.`;
    return { taken: false, message, retryAfterMs: AGAIN_MS };
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
