import type { Database } from '../database/transaction.ts';
import type { HandlerLog } from '../domain/agents/handler-log.ts';
import { isUuid, type TenantId } from '../domain/ids.ts';
import type { Json, JsonObject } from '../domain/json.ts';
import type { MessageStatus } from '../domain/messaging/message-status.ts';
import type { RequestOptions, SendOptions, SentBroadcast, SentMessage } from '../domain/messaging/received-message.ts';
import {
  type MessageFilter,
  type MessageRecord,
  MessageRepository,
  type Receipt,
  type Redriven,
} from '../entities/messaging/message-repository.ts';
import { type Direction, type DirectOptions, direct } from '../messaging/director.ts';
import { AgentDirectory } from '../messaging/directory.ts';
import { MessageHints } from '../messaging/hints.ts';
import { LeaseLost } from '../messaging/messaging-errors.ts';
import type { Sender } from '../messaging/sender.ts';
import { MessageUnknown } from '../operations/operation-errors.ts';
import type { RedisConnections } from '../redis/open-redis.ts';
import {
  agentArgument,
  broadcastIdArgument,
  broadcastOptions,
  messageFilter,
  messageIdArgument,
  requestOptions,
  sendOptions,
} from './options/message-options.ts';
import { ProgramPost } from './program-post.ts';

export interface MessagesOptions {
  readonly database: Database;
  readonly redis: RedisConnections;
  readonly tenant: TenantId;
  readonly maxHops: number;
}

/** The same id twice is one message. */
export interface WithId {
  /** A UUID. @defaultValue a new one */
  readonly id?: string;
}

export type { Receipt as BroadcastReceipt };

const SILENT: HandlerLog = { info: () => undefined, warn: () => undefined };

/**
 * Messages of a program that is no agent. It takes a lease at its first message, renews it while it is open, and says
 * goodbye with `close`; a program that only reads takes none.
 */
export class Messages {
  readonly #options: MessagesOptions;
  #post: Promise<ProgramPost> | null = null;

  constructor(options: MessagesOptions) {
    this.#options = options;
  }

  /**
   * Stores a message for an agent and wakes it up. It is delivered at least once, whenever the agent is there.
   * @example
   * await muster.messages.send('archivist', { store: 'minutes.md' }, { priority: 2 });
   * @throws AgentUnknown, MessageInvalid
   */
  async send(agent: string, payload: JsonObject, options: SendOptions & WithId = {}): Promise<SentMessage> {
    const { id, ...rest } = sendOptions(options);
    return this.#speak((sender, speaker) => sender.send(speaker, { to: agent, payload, ...idOf(id) }, rest));
  }

  /**
   * Asks an agent and waits for its answer, 10 s by default.
   * @example
   * const answer = await muster.messages.request('calendar', { day: '2026-11-23' });
   * @throws RequestTimedOut, RequestFailed, AgentUnknown, MessageInvalid
   */
  async request(agent: string, payload: JsonObject, options: RequestOptions & WithId = {}): Promise<Json> {
    const { id, ...rest } = requestOptions(options);
    return this.#speak((sender, speaker) => sender.request(speaker, { to: agent, payload, ...idOf(id) }, rest));
  }

  /**
   * Sends to every agent that is alive and takes messages: one receipt each.
   * @example
   * const { id } = await muster.messages.broadcast({ notice: 'maintenance at noon' });
   * const receipts = await muster.messages.receipts(id);
   */
  async broadcast(payload: JsonObject, options: SendOptions & WithId = {}): Promise<SentBroadcast> {
    const { id, ...rest } = broadcastOptions(options);
    return this.#speak((sender, speaker) => sender.broadcast(speaker, { payload, ...idOf(id) }, rest));
  }

  /**
   * Asks the agents that stand for an intent, and puts together what comes back in time; who is missing is named.
   * @example
   * const { outcome, answers, missing } = await muster.messages.direct('calendar_query', { day: 'tomorrow' });
   * @throws MessageInvalid for an unknown intent
   */
  direct(intent: string, payload: JsonObject, options: DirectOptions = {}): Promise<Direction> {
    const directory = new AgentDirectory(this.#options.database);
    return this.#speak((sender, speaker) => direct({ sender, directory }, speaker, { intent, payload, ...options }));
  }

  /**
   * The newest messages first: all, or those from or to one agent, or in one status.
   * @example
   * const dead = await muster.messages.list({ status: 'dead' });
   */
  async list(options: Partial<MessageFilter> = {}): Promise<MessageRecord[]> {
    const { limit = 50, ...filter } = messageFilter(options);
    return this.#read((messages) => messages.list({ ...filter, limit }));
  }

  /**
   * How many messages there are in each status: to one agent, or to all.
   * @example
   * const { pending, dead } = await muster.messages.counts('archivist');
   */
  async counts(agent?: string): Promise<Record<MessageStatus, number>> {
    const name = agentArgument(agent) ?? null;
    return this.#read((messages) => messages.counts(name));
  }

  /**
   * What became of a broadcast, agent by agent.
   * @example
   * const waiting = (await muster.messages.receipts(id)).filter((receipt) => receipt.status === 'pending');
   */
  async receipts(broadcastId: string): Promise<Receipt[]> {
    const id = broadcastIdArgument(broadcastId);
    return isUuid(id) ? this.#read((messages) => messages.receipts(id)) : [];
  }

  /**
   * Gives a dead message another five deliveries. One that has expired or was refused stays dead.
   * @example
   * for (const { id } of await muster.messages.list({ status: 'dead' })) await muster.messages.redrive(id);
   * @throws MessageUnknown
   */
  async redrive(messageId: string): Promise<Exclude<Redriven, 'unknown'>> {
    const { tenant, redis } = this.#options;
    const id = messageIdArgument(messageId);
    if (!isUuid(id)) throw new MessageUnknown(id, tenant);
    const { outcome, to } = await this.#read((messages) => messages.redrive(id, 'client'));
    if (outcome === 'unknown') throw new MessageUnknown(id, tenant);
    if (outcome === 'redriven' && to !== null) new MessageHints(redis).commands([to]);
    return outcome;
  }

  /** Says goodbye. Messages that were sent go on without this program. Repeatable. */
  async close(): Promise<void> {
    const post = await this.#post?.catch(() => null);
    await post?.close();
  }

  /** Whoever speaks for no agent has lost nothing with its lease: it takes another one and repeats itself. */
  async #speak<Result>(
    say: (sender: Sender, speaker: { tenant: TenantId; from: null }) => Promise<Result>,
  ): Promise<Result> {
    const { messenger } = await this.#open();
    const speaker = { tenant: this.#options.tenant, from: null };
    try {
      return await say(messenger.sender, speaker);
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error;
      return say(messenger.sender, speaker);
    }
  }

  #open(): Promise<ProgramPost> {
    this.#post ??= openPost(this.#options);
    this.#post.catch(() => {
      this.#post = null;
    });
    return this.#post;
  }

  #read<Result>(work: (messages: MessageRepository) => Promise<Result>): Promise<Result> {
    const { database, tenant } = this.#options;
    return database.single.inTenant(tenant, ({ em }) => work(new MessageRepository(em)));
  }
}

async function openPost(options: MessagesOptions): Promise<ProgramPost> {
  const post = new ProgramPost({ ...options, agents: [], log: SILENT });
  await post.open();
  return post;
}

function idOf(id: string | undefined): { id?: string } {
  return id === undefined ? {} : { id };
}
