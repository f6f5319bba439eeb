import { StaleFence } from '../capabilities/capability-errors.ts';
import { isDataFault } from '../database/database-faults.ts';
import { GroupCommit } from '../database/group-commit.ts';
import type { Database } from '../database/transaction.ts';
import type { AgentId } from '../domain/ids.ts';
import type { SignedEnvelope } from '../domain/messaging/envelope.ts';
import { payloadText } from '../domain/messaging/signing-text.ts';
import { findWaitCircle } from '../domain/messaging/wait-circle.ts';
import { MessageRepository } from '../entities/messaging/message-repository.ts';
import { type NewMessage, type SendOutcome, sendMessages } from '../entities/messaging/send-messages.ts';
import type { MessageHints } from './hints.ts';
import type { SenderIdentity } from './identity.ts';
import { AgentsWaitInCircle, MessageChainTooLong, MessageInvalid } from './messaging-errors.ts';

export interface MessageStoreOptions {
  readonly database: Database;
  readonly identity: SenderIdentity;
  readonly hints: MessageHints;
  /** How many messages may have led to one that is sent. */
  readonly maxHops: number;
}

/** A message was stored now, or had been before. */
export type StoreOutcome = 'stored' | 'duplicate';

/** What the messages of one statement have in common. */
type SendScope = Pick<SignedEnvelope, 'tenant' | 'leaseId'>;

/** The most messages in one statement. */
const BATCH = 200;

/**
 * Stores signed messages, then wakes up whom they are for. A message is stored once under its id, however often it is
 * given; it is stored before anybody is told, so that a crash between the two only costs the time until the next poll.
 */
export class MessageStore {
  readonly #options: MessageStoreOptions;
  readonly #groups = new Map<string, GroupCommit<NewMessage, SendOutcome>>();

  constructor(options: MessageStoreOptions) {
    this.#options = options;
  }

  /** @throws LeaseLost, MessageInvalid, MessageChainTooLong, StaleFence */
  async store(message: NewMessage): Promise<StoreOutcome> {
    return this.#answer(message, await this.#group(message.envelope).add(message));
  }

  /** Stores all receipts of a broadcast at once. @throws LeaseLost, MessageChainTooLong, StaleFence */
  async storeAll(messages: readonly NewMessage[]): Promise<void> {
    const [first] = messages;
    if (first === undefined) return;
    const outcomes = await this.#write(first.envelope, messages);
    for (const [index, message] of messages.entries()) this.#requireSendable(message, outcomes[index]);
    this.#options.hints.broadcast();
  }

  /**
   * Stores a request that is sent while its sender handles a message, unless it closes a circle of waiting agents.
   * @param names who asks whom
   * @throws AgentsWaitInCircle, LeaseLost, MessageInvalid, MessageChainTooLong
   */
  async storeRequest(message: NewMessage, names: { from: string; to: string }): Promise<StoreOutcome> {
    const { database, hints } = this.#options;
    const { leaseId, causeId, tenant, to } = message.envelope;
    const outcomes = await database.inTenant(tenant, async ({ em }) => {
      const messages = new MessageRepository(em);
      await messages.lockWaits(tenant);
      const circle = causeId === null ? null : findWaitCircle(await messages.waits(causeId), names);
      if (circle !== null) throw new AgentsWaitInCircle(circle);
      return sendMessages(em, [message], { leaseId, maxHops: this.#options.maxHops });
    });
    const [outcome] = await this.#underLease(message.envelope, [message], outcomes);
    if (to !== null) hints.commands([to]);
    return this.#answer(message, outcome);
  }

  /** Messages of one tenant and one lease share statements. */
  #group(scope: SendScope): GroupCommit<NewMessage, SendOutcome> {
    const key = `${scope.tenant}/${scope.leaseId}`;
    const found = this.#groups.get(key);
    if (found !== undefined) return found;
    const write = async (messages: readonly NewMessage[]) => {
      const outcomes = await this.#write(scope, messages);
      this.#options.hints.commands(recipients(messages));
      return outcomes;
    };
    const group = new GroupCommit({ write, isFaultOfItem: isDataFault, max: BATCH });
    if (this.#groups.size >= BATCH) this.#groups.clear();
    this.#groups.set(key, group);
    return group;
  }

  async #write(scope: SendScope, messages: readonly NewMessage[]): Promise<readonly SendOutcome[]> {
    const { database, maxHops } = this.#options;
    const { tenant, leaseId } = scope;
    const outcomes = await database.single.inTenant(tenant, ({ em }) =>
      sendMessages(em, messages, { leaseId, maxHops }),
    );
    return this.#underLease(scope, messages, outcomes);
  }

  /** @throws LeaseLost where the lease had ended, which the audit log then says */
  async #underLease(
    { tenant, leaseId }: SendScope,
    messages: readonly NewMessage[],
    outcomes: readonly SendOutcome[],
  ): Promise<readonly SendOutcome[]> {
    if (!outcomes.includes('lease_ended')) return outcomes;
    const { database, identity } = this.#options;
    const lost = identity.lose(leaseId);
    const ids = messages.map(({ envelope }) => envelope.id);
    await database.single.inTenant(tenant, ({ em }) => new MessageRepository(em).auditLostLease(tenant, leaseId, ids));
    throw lost;
  }

  async #answer(message: NewMessage, outcome: SendOutcome | undefined): Promise<StoreOutcome> {
    this.#requireSendable(message, outcome);
    return outcome === 'stored' ? 'stored' : this.#duplicate(message.envelope);
  }

  /** @throws StaleFence, MessageChainTooLong */
  #requireSendable({ envelope, attempt }: NewMessage, outcome: SendOutcome | undefined): void {
    if (outcome === 'too_deep') throw new MessageChainTooLong(envelope.id, this.#options.maxHops);
    if (outcome !== 'stale' || attempt === undefined) return;
    throw new StaleFence(attempt.execution.taskId, attempt.execution.fence);
  }

  /** One id stands for one message: what else is sent under it would be lost silently. */
  async #duplicate(message: SignedEnvelope): Promise<StoreOutcome> {
    const found = await this.#options.database.single.inTenant(message.tenant, ({ em }) =>
      new MessageRepository(em).find(message.id),
    );
    const raw = found?.raw;
    // A unit of work whose commit went unanswered runs again and meets its own row.
    if (raw?.signature === message.signature) return 'stored';
    const same = raw !== undefined && raw.from === message.from && raw.to === message.to && raw.type === message.type;
    if (same && payloadText(raw.payload as SignedEnvelope['payload']) === payloadText(message.payload)) {
      return 'duplicate';
    }
    throw new MessageInvalid(`the id ${message.id} belongs to another message. Give each message an id of its own.`);
  }
}

function recipients(messages: readonly NewMessage[]): Set<AgentId> {
  return new Set(messages.flatMap(({ envelope: { to } }) => (to === null ? [] : [to])));
}
