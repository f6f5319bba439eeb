import { isDataFault } from '../database/database-faults.ts';
import { GroupCommit } from '../database/group-commit.ts';
import type { Database } from '../database/transaction.ts';
import type { AgentId, LeaseId, TenantId } from '../domain/ids.ts';
import type { SignedEnvelope } from '../domain/messaging/envelope.ts';
import { payloadText } from '../domain/messaging/signing-text.ts';
import { findWaitCircle } from '../domain/messaging/wait-circle.ts';
import { MessageRepository, type Stored } from '../entities/messaging/message-repository.ts';
import type { MessageHints } from './hints.ts';
import type { SenderIdentity } from './identity.ts';
import { AgentsWaitInCircle, LeaseLost, MessageChainTooLong, MessageInvalid } from './messaging-errors.ts';

export interface MessageStoreOptions {
  readonly database: Database;
  readonly identity: SenderIdentity;
  readonly hints: MessageHints;
  /** How many messages may have led to one that is sent. */
  readonly maxHops: number;
}

/** A message was stored now, or had been before. */
export type StoreOutcome = 'stored' | 'duplicate';

/** So many messages travel in one statement, at most. */
const BATCH = 200;

/**
 * Stores signed messages, then wakes up whom they are for. A message is stored once under its id, however often it is
 * given; it is stored before anybody is told, so that a crash between the two only costs the time until the next poll.
 */
export class MessageStore {
  readonly #options: MessageStoreOptions;
  readonly #groups = new Map<string, GroupCommit<SignedEnvelope, Stored>>();

  constructor(options: MessageStoreOptions) {
    this.#options = options;
  }

  /** @throws LeaseLost, MessageInvalid, MessageChainTooLong */
  async store(message: SignedEnvelope): Promise<StoreOutcome> {
    return this.#outcome(message, await this.#group(message).add(message));
  }

  /** Stores all receipts of a broadcast at once. @throws LeaseLost, MessageChainTooLong */
  async storeAll(tenant: TenantId, leaseId: LeaseId, messages: readonly SignedEnvelope[]): Promise<void> {
    const { tooDeep } = await this.#write(tenant, leaseId, messages);
    const [first] = tooDeep;
    if (first !== undefined) throw new MessageChainTooLong(first, this.#options.maxHops);
    this.#options.hints.broadcast();
  }

  /**
   * Stores a request that is sent while its sender handles a message, unless it closes a circle of waiting agents.
   * @param names who asks whom
   * @throws AgentsWaitInCircle, LeaseLost, MessageInvalid, MessageChainTooLong
   */
  async storeRequest(message: SignedEnvelope, names: { from: string; to: string }): Promise<StoreOutcome> {
    const { database, hints } = this.#options;
    const { leaseId, causeId, tenant } = message;
    const stored = await database.inTenant(tenant, async ({ em }) => {
      const messages = new MessageRepository(em);
      await messages.lockWaits(tenant);
      const circle = causeId === null ? null : findWaitCircle(await messages.waits(causeId), names);
      if (circle !== null) throw new AgentsWaitInCircle(circle);
      return messages.send(leaseId, [message], this.#options);
    });
    if (!stored.leaseOpen) return this.#refuse(tenant, leaseId, [message]);
    if (message.to !== null) hints.commands([message.to]);
    return this.#outcome(message, stored);
  }

  #outcome(message: SignedEnvelope, { inserted, tooDeep }: Stored): StoreOutcome | Promise<StoreOutcome> {
    if (inserted.has(message.id)) return 'stored';
    if (tooDeep.has(message.id)) throw new MessageChainTooLong(message.id, this.#options.maxHops);
    return this.#duplicate(message);
  }

  /** Messages of one tenant and one lease share statements. */
  #group({ tenant, leaseId }: SignedEnvelope): GroupCommit<SignedEnvelope, Stored> {
    const key = `${tenant}/${leaseId}`;
    const found = this.#groups.get(key);
    if (found !== undefined) return found;
    const write = async (messages: readonly SignedEnvelope[]): Promise<readonly Stored[]> => {
      const stored = await this.#write(tenant, leaseId, messages);
      this.#options.hints.commands(recipients(messages));
      return messages.map(() => stored);
    };
    const group = new GroupCommit({ write, isFaultOfItem: isDataFault, max: BATCH });
    if (this.#groups.size >= BATCH) this.#groups.clear();
    this.#groups.set(key, group);
    return group;
  }

  async #write(tenant: TenantId, leaseId: LeaseId, messages: readonly SignedEnvelope[]): Promise<Stored> {
    const stored = await this.#options.database.single.inTenant(tenant, ({ em }) =>
      new MessageRepository(em).send(leaseId, messages, this.#options),
    );
    return stored.leaseOpen ? stored : this.#refuse(tenant, leaseId, messages);
  }

  async #refuse(tenant: TenantId, leaseId: LeaseId, messages: readonly SignedEnvelope[]): Promise<never> {
    const { database, identity } = this.#options;
    identity.lose(leaseId);
    await database.single.inTenant(tenant, ({ em }) =>
      new MessageRepository(em).auditLostLease(tenant, leaseId, messages),
    );
    throw new LeaseLost(identity.process);
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

function recipients(messages: readonly SignedEnvelope[]): Set<AgentId> {
  return new Set(messages.flatMap(({ to }) => (to === null ? [] : [to])));
}
