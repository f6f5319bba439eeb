import { errorMessage } from '../domain/errors.ts';
import type { AgentId } from '../domain/ids.ts';
import type { ReceivingAgent } from '../domain/messaging/received-message.ts';
import { Loop } from '../domain/system/loop.ts';
import {
  claimMessages,
  claimStatusQueries,
  type MailboxClaim,
  WHOLE_MAILBOX,
} from '../entities/messaging/claim-messages.ts';
import { extendClaims } from '../entities/messaging/end-deliveries.ts';
import { MailboxRepository } from '../entities/messaging/mailbox-repository.ts';
import type { StoredMessage } from '../entities/messaging/stored-message.ts';
import { type DeliveryOptions, DeliveryOutcomes } from './delivery-outcomes.ts';
import { Mailbox } from './mailbox.ts';

export interface MailboxesOptions extends DeliveryOptions {
  readonly agents: readonly ReceivingAgent[];
}

/** Longer than any pause of a living process; a dead one's messages come back within this time. */
const LEASE_MS = 30_000;
const RENEW_MS = 10_000;
/** How long a message may lie when its wake-up was lost. */
const POLL_MS = 1_000;
const SWEEP_MS = 1_000;
const STATUS_QUERIES_MS = 250;
const STOP_GRACE_MS = 5_000;

/**
 * The mailboxes of all agents of one process, emptied by one loop: it claims for those that are idle, when a wake-up
 * says so and every second, and each agent handles what it was given by itself, so that a slow one holds up no other.
 *
 * States: *closed* before `open`; *open*; *stopping* from `stop` until every message under way has ended or was given
 * back; *closed* again.
 */
export class Mailboxes extends Loop {
  readonly #options: MailboxesOptions;
  readonly #boxes: ReadonlyMap<AgentId, Mailbox>;
  readonly #outcomes: DeliveryOutcomes;
  #stopHints: () => void = () => undefined;
  #renewal: NodeJS.Timeout | null = null;
  #sweptAt = Number.NEGATIVE_INFINITY;
  #queriedAt = Number.NEGATIVE_INFINITY;

  constructor(options: MailboxesOptions) {
    super({ name: 'mailboxes', turn: () => this.#turn(), log: options.log });
    this.#options = options;
    this.#outcomes = new DeliveryOutcomes(options);
    this.#boxes = new Map(options.agents.map((agent) => [agent.id, new Mailbox(agent, this.#outcomes)]));
  }

  /** Says that the agents take messages, and begins to take them. */
  async open(): Promise<void> {
    const ids = [...this.#boxes.keys()].sort();
    if (ids.length === 0) return;
    await this.#options.single(({ em }) => new MailboxRepository(em).openMailboxes(ids));
    this.#stopHints = this.#options.hints.onCommands(ids, () => this.hint());
    this.#renewal = setInterval(() => void this.#renew(), RENEW_MS).unref();
    this.start();
  }

  /** Takes no more messages; those under way end within five seconds or are given back. */
  override async stop(): Promise<void> {
    this.#stopHints();
    await super.stop();
    await Promise.all([...this.#boxes.values()].map((box) => box.stop(STOP_GRACE_MS)));
    if (this.#renewal !== null) clearInterval(this.#renewal);
    await this.#outcomes.idle();
  }

  async #turn(): Promise<number> {
    await this.#options.identity.ready();
    await this.#answerStatusQueries();
    const idle = [...this.#boxes.values()].filter((box) => !box.busy);
    if (idle.length > 0) {
      await this.#fill(this.#claim(idle.map((box) => ({ agentId: box.agent.id, quota: box.quota }))));
    }
    await this.#sweep();
    return POLL_MS;
  }

  async #fill(claim: MailboxClaim): Promise<void> {
    const { single } = this.#options;
    const first = await single(({ em }) => claimMessages(em, claim));
    this.#give(first.messages);
    if (first.messages.length > 0 || !first.isFull) return;
    const all = await single(({ em }) => claimMessages(em, claim, WHOLE_MAILBOX));
    this.#give(all.messages);
  }

  #give(messages: readonly StoredMessage[]): void {
    for (const [agentId, own] of Map.groupBy(messages, (message) => message.toAgentId)) {
      if (agentId !== null) this.#boxes.get(agentId)?.give(own, () => this.hint());
    }
  }

  /** Ahead of what keeps an agent busy, but not so often that it costs the others anything. */
  async #answerStatusQueries(): Promise<void> {
    const busy = [...this.#boxes.values()].filter((box) => box.busy);
    if (busy.length === 0 || performance.now() - this.#queriedAt < STATUS_QUERIES_MS) return;
    this.#queriedAt = performance.now();
    const claim = this.#claim(busy.map((box) => ({ agentId: box.agent.id, quota: 1 })));
    const queries = await this.#options.single(({ em }) => claimStatusQueries(em, claim));
    for (const query of queries) {
      const box = query.toAgentId === null ? undefined : this.#boxes.get(query.toAgentId);
      if (box !== undefined) await this.#outcomes.answerStatus(box.agent, query);
    }
  }

  async #sweep(): Promise<void> {
    if (performance.now() - this.#sweptAt < SWEEP_MS) return;
    this.#sweptAt = performance.now();
    await this.#outcomes.bury([...this.#boxes.keys()]);
  }

  async #renew(): Promise<void> {
    const boxes = [...this.#boxes.values()].filter((box) => box.busy);
    const claims = boxes.flatMap((box) => box.claims);
    if (claims.length === 0) return;
    try {
      const kept = await this.#options.single(({ em }) => extendClaims(em, claims, LEASE_MS));
      const lost = claims.map(({ id }) => id).filter((id) => !kept.has(id));
      // One that has ended meanwhile is held no more, and nothing happens to it.
      for (const box of boxes) box.forget(lost);
    } catch (error) {
      this.#options.log.warn({ error: errorMessage(error) }, 'could not renew the leases of messages; retrying');
    }
  }

  #claim(quotas: MailboxClaim['quotas']): MailboxClaim {
    const { process, heldLease } = this.#options.identity;
    return { quotas, owner: process, leaseId: heldLease, leaseMs: LEASE_MS };
  }
}
