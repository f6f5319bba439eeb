import { StaleFence } from '../capabilities/capability-errors.ts';
import type { Database } from '../database/transaction.ts';
import { type AgentId, isUuid, type MessageId, type TenantId, type TraceId } from '../domain/ids.ts';
import type { Json, JsonObject } from '../domain/json.ts';
import type { Envelope, SignedEnvelope } from '../domain/messaging/envelope.ts';
import { MESSAGE_PRIORITY_RANGE } from '../domain/messaging/message-status.ts';
import type {
  RequestOptions,
  SendableType,
  SendOptions,
  SentBroadcast,
  SentMessage,
} from '../domain/messaging/received-message.ts';
import { formatMoment } from '../domain/messaging/signing-text.ts';
import { MessageRepository } from '../entities/messaging/message-repository.ts';
import type { SendingAttempt } from '../entities/messaging/send-messages.ts';
import { ClaimRepository } from '../entities/tasks/claim-repository.ts';
import { asPayload } from './check-message.ts';
import type { AgentDirectory } from './directory.ts';
import { answersTo, type SenderIdentity } from './identity.ts';
import { derivedId, newMessageId } from './message-ids.ts';
import type { MessageStore, StoreOutcome } from './message-store.ts';
import { MessageInvalid, RequestFailed, RequestTimedOut } from './messaging-errors.ts';
import type { Responses } from './responses.ts';

/** Who sends, on whose behalf, and why. */
export interface Speaker {
  readonly tenant: TenantId;
  /** Null for a program that is no agent. */
  readonly from: { readonly id: AgentId; readonly name: string } | null;
  /** The message that is being handled. */
  readonly causeId?: MessageId;
  readonly traceId?: TraceId;
  /** The attempt of a node that sends, which has to be the current one. */
  readonly attempt?: SendingAttempt;
}

/** What to send. */
export interface Draft {
  readonly to: string;
  readonly payload: JsonObject;
  /** The same id twice is one message. @defaultValue a new one */
  readonly id?: string | undefined;
}

export interface SenderOptions {
  readonly database: Database;
  readonly identity: SenderIdentity;
  readonly directory: AgentDirectory;
  readonly store: MessageStore;
  readonly responses: Responses;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** Sends messages, requests and broadcasts in the name of one process and its agents. */
export class Sender {
  readonly #options: SenderOptions;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** @throws AgentUnknown, MessageInvalid, LeaseLost, StaleFence */
  async send(speaker: Speaker, draft: Draft, options: SendOptions = {}): Promise<SentMessage> {
    const { directory, identity, store } = this.#options;
    await identity.ready();
    const content = this.#content(speaker, draft, { type: 'command', ...options });
    const to = await directory.find(speaker.tenant, draft.to);
    const outcome = await store.store({ envelope: identity.sign({ ...content, to }), attempt: speaker.attempt });
    return { id: content.id, duplicate: outcome === 'duplicate' };
  }

  /**
   * Sends and waits for the answer. The same id again finds the answer to the first request, also from another process;
   * where that one expired without an answer, it asks again.
   * @throws RequestTimedOut, RequestFailed, AgentsWaitInCircle, AgentUnknown, MessageInvalid, LeaseLost
   */
  async request(
    speaker: Speaker,
    draft: Draft,
    options: RequestOptions & { signal?: AbortSignal } = {},
  ): Promise<Json> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, signal, ...rest } = options;
    await this.#options.identity.ready();
    const expiring = { type: 'query' as const, ...rest, expiresInMs: timeoutMs };
    const to = await this.#options.directory.find(speaker.tenant, draft.to);
    const message = await this.#ask(speaker, { ...draft, id: draft.id ?? newMessageId() }, { ...expiring, to });
    const answer = await this.#options.responses.wait(
      { tenant: speaker.tenant, correlationId: message.id, from: to, announcedTo: answersTo(message) },
      timeoutMs,
      signal,
    );
    if (answer === null) return this.#giveUp(message, draft.to, timeoutMs);
    if (answer.kind === 'response') return answer.value;
    const { failure, reason } = answer;
    if (failure === 'expired') throw new RequestTimedOut({ agent: draft.to, messageId: message.id, timeoutMs });
    throw new RequestFailed({ agent: draft.to, messageId: message.id, failure, reason });
  }

  /** Stores the request; where an earlier one under its id has expired unanswered, another one under the next id. */
  async #ask(
    speaker: Speaker,
    draft: Draft & { readonly id: string },
    options: SendOptions & { type: SendableType; to: AgentId },
  ): Promise<SignedEnvelope> {
    const content = this.#content(speaker, draft, options);
    const message = this.#options.identity.sign({
      ...content,
      to: options.to,
      requiresResponse: true,
      correlationId: content.id,
    });
    if ((await this.#storeRequest(speaker, message, draft.to)) === 'stored') return message;
    const { single } = this.#options.database;
    const state = await single.inTenant(speaker.tenant, ({ em }) => new MessageRepository(em).requestState(message.id));
    return state === 'expired' ? this.#ask(speaker, { ...draft, id: derivedId('again', draft.id) }, options) : message;
  }

  /**
   * Sends to every living agent that takes messages, but not to the sender itself: each gets a row of its own. The same
   * id again answers the receipts of the first broadcast.
   * @throws MessageInvalid, LeaseLost, StaleFence
   */
  async broadcast(
    speaker: Speaker,
    draft: Pick<Draft, 'payload' | 'id'>,
    options: SendOptions = {},
  ): Promise<SentBroadcast> {
    const { directory, identity, store } = this.#options;
    await identity.ready();
    const content = this.#content(speaker, draft, { type: 'event', ...options });
    const known = await this.#receipts(speaker.tenant, content.id);
    if (known.length > 0) return { id: content.id, receipts: known };
    const everybody = await directory.withMailbox(speaker.tenant);
    const living = everybody.filter(({ alive, id }) => alive && id !== speaker.from?.id);
    const copies = living.map(({ id: to, name }) => ({
      agent: name,
      messageId: derivedId('broadcast', content.id, to),
      to,
    }));
    const messages = copies.map(({ messageId, to }) => ({
      envelope: identity.sign({ ...content, id: messageId, to, broadcastId: content.id }),
      attempt: speaker.attempt,
    }));
    if (messages.length === 0) await this.#requireCurrent(speaker);
    await store.storeAll(messages);
    return { id: content.id, receipts: copies.map(({ agent, messageId }) => ({ agent, messageId })) };
  }

  /** What is stored checks this in its own statement; a broadcast that reaches nobody stores nothing. @throws StaleFence */
  async #requireCurrent({ tenant, attempt }: Speaker): Promise<void> {
    if (attempt === undefined) return;
    const { taskId, fence } = attempt.execution;
    const { single } = this.#options.database;
    const isOpen = await single.inTenant(tenant, ({ em }) => new ClaimRepository(em).isOpen({ taskId, fence }));
    if (!isOpen) throw new StaleFence(taskId, fence);
  }

  async #receipts(tenant: TenantId, broadcastId: string): Promise<SentBroadcast['receipts']> {
    const { single } = this.#options.database;
    const known = await single.inTenant(tenant, ({ em }) => new MessageRepository(em).receipts(broadcastId));
    return known.map(({ messageId, agent }) => ({ messageId, agent }));
  }

  /** Only a request that is sent while a message is handled can keep somebody waiting who waits for it. */
  #storeRequest(speaker: Speaker, envelope: SignedEnvelope, to: string): Promise<StoreOutcome> {
    const { store } = this.#options;
    const { from, attempt } = speaker;
    if (from === null || envelope.causeId === null) return store.store({ envelope, attempt });
    return store.storeRequest({ envelope }, { from: from.name, to });
  }

  async #giveUp(message: SignedEnvelope, agent: string, timeoutMs: number): Promise<never> {
    const { database } = this.#options;
    await database.single
      .inTenant(message.tenant, ({ em }) => new MessageRepository(em).abandon(message.id))
      .catch(() => undefined);
    throw new RequestTimedOut({ agent, messageId: message.id, timeoutMs });
  }

  /** @throws MessageInvalid naming the first fault */
  #content(
    speaker: Speaker,
    { id = newMessageId(), payload: given }: Pick<Draft, 'id' | 'payload'>,
    options: SendOptions & { type: SendableType },
  ): Omit<Envelope, 'leaseId' | 'seq' | 'timestamp'> {
    const { type, priority = MESSAGE_PRIORITY_RANGE.default, expiresInMs } = options;
    const payload = asPayload(given);
    if (typeof payload === 'string') throw new MessageInvalid(payload);
    if (!isUuid(id)) throw new MessageInvalid(`expected a UUID as its id, found "${id}".`);
    return {
      id: id as MessageId,
      tenant: speaker.tenant,
      from: speaker.from?.id ?? null,
      to: null,
      type,
      payload,
      priority,
      requiresResponse: false,
      correlationId: null,
      expiresAt: this.#expiry(expiresInMs),
      causeId: speaker.causeId ?? null,
      broadcastId: null,
      traceId: speaker.traceId ?? null,
    };
  }

  #expiry(expiresInMs: number | undefined): string | null {
    if (expiresInMs === undefined) return null;
    return formatMoment(this.#options.identity.now() + Math.ceil(expiresInMs) * 1_000);
  }
}
