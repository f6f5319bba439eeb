import { callReceiver } from '../capabilities/call-receiver.ts';
import { type InvocationWatch, UNWATCHED } from '../capabilities/invocation.ts';
import { isDataFault } from '../database/database-faults.ts';
import { GroupCommit } from '../database/group-commit.ts';
import type { Transaction } from '../database/transaction.ts';
import type { HandlerLog } from '../domain/agents/handler-log.ts';
import type { AgentId } from '../domain/ids.ts';
import { type Json, notJson, toJson } from '../domain/json.ts';
import { MAX_PAYLOAD_BYTES, type SignedEnvelope } from '../domain/messaging/envelope.ts';
import type { ReceivedMessage, ReceivingAgent } from '../domain/messaging/received-message.ts';
import { formatMoment } from '../domain/messaging/signing-text.ts';
import {
  type Completion,
  completeDeliveries,
  failDelivery,
  releaseClaims,
} from '../entities/messaging/end-deliveries.ts';
import { MailboxRepository } from '../entities/messaging/mailbox-repository.ts';
import { MessageRepository } from '../entities/messaging/message-repository.ts';
import { sendMessages } from '../entities/messaging/send-messages.ts';
import type { StoredMessage } from '../entities/messaging/stored-message.ts';
import { checkMessage } from './check-message.ts';
import type { MessageHints } from './hints.ts';
import { answersTo, type SenderIdentity } from './identity.ts';
import { newMessageId } from './message-ids.ts';
import { ReplyInvalid } from './messaging-errors.ts';
import type { Sender } from './sender.ts';

/** What became of a delivery. */
export type MessageCount = 'processed' | 'redelivered' | 'dead' | 'refused';

/** Runs a unit of work that sees the messages of the agents: their tenant's, or all. */
export type RunUnit = <Result>(work: (tx: Transaction) => Promise<Result>) => Promise<Result>;

export interface DeliveryOptions {
  /** For units of exactly one statement. */
  readonly single: RunUnit;
  readonly unit: RunUnit;
  readonly identity: SenderIdentity;
  readonly sender: Sender;
  readonly hints: MessageHints;
  readonly log: HandlerLog;
  /** Watches what the agents do. @defaultValue nobody */
  readonly watch?: InvocationWatch;
  /** Told of every message that was handled, failed, died or was refused. @defaultValue nobody */
  readonly count?: (what: MessageCount) => void;
}

const BATCH = 200;
/** How long a repeated request can still find the answer. */
const RESPONSE_LIFE_MS = 86_400_000;

/** Writes how deliveries end, and answers. Ends that come together share one statement. */
export class DeliveryOutcomes {
  readonly #options: DeliveryOptions;
  readonly #completions: GroupCommit<Completion, boolean>;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#completions = new GroupCommit({
      write: (completions) => this.#write(completions),
      isFaultOfItem: isDataFault,
      max: BATCH,
    });
  }

  /** The database's time, in microseconds. @throws LeaseLost */
  now(): number {
    return this.#options.identity.now();
  }

  /** Resolves when every end has been written. */
  idle(): Promise<void> {
    return this.#completions.idle();
  }

  /** Writes the end. False when the message is no longer this process's. @throws ReplyInvalid, LeaseLost */
  async complete(message: StoredMessage, envelope: SignedEnvelope, reply: Json): Promise<boolean> {
    const result = asReply(envelope, message, reply);
    await this.#options.identity.ready();
    const response = envelope.requiresResponse ? this.#answer(envelope, 'response', { value: result }) : null;
    const written = await this.#completions.add({ id: message.id, fence: message.fence, result, response });
    if (!written) return false;
    this.#count('processed');
    if (response !== null) this.#options.hints.responses([answersTo(envelope)]);
    return true;
  }

  /** Writes that a delivery failed; nothing when the message is no longer this process's. @throws LeaseLost */
  async fail(
    message: StoredMessage,
    envelope: SignedEnvelope,
    { delayMs, code, reason }: { delayMs: number | null; code: string; reason: string },
  ): Promise<void> {
    const dead = delayMs === null;
    const answered = dead && envelope.requiresResponse;
    await this.#options.identity.ready();
    const response = answered ? this.#answer(envelope, 'error', { code, message: reason }) : null;
    const failed = { id: message.id, fence: message.fence, delayMs, reason: `${code}: ${reason}`, response };
    const written = await this.#options.single(({ em }) => failDelivery(em, failed));
    if (!written) return;
    this.#count(dead ? 'dead' : 'redelivered');
    const facts = { messageId: message.id, delivery: message.attempts, code, reason };
    this.#options.log.warn(facts, dead ? 'a delivery failed; the message is dead' : 'a delivery failed; retrying');
    if (answered) this.#options.hints.responses([answersTo(envelope)]);
  }

  async refuse(message: StoredMessage, reason: string): Promise<void> {
    const buried = await this.#options.single(({ em }) => new MailboxRepository(em).refuse(message, reason));
    if (!buried) return;
    this.#count('refused');
    this.#options.log.warn({ messageId: message.id, reason }, 'refused a message');
  }

  async release(messages: readonly StoredMessage[]): Promise<void> {
    const claims = messages.map(({ id, fence }) => ({ id, fence }));
    await this.#options.single(({ em }) => releaseClaims(em, claims));
  }

  /** What a query of kind `status` is answered with. */
  async status(agent: ReceivingAgent): Promise<Json> {
    const depth = await this.#options.single(({ em }) => new MailboxRepository(em).depth(agent.id));
    return { agent: agent.name, process: this.#options.identity.process, status: 'alive', ...depth };
  }

  /** Answers a query of kind `status` that came to an agent which is busy. */
  async answerStatus(agent: ReceivingAgent, query: StoredMessage): Promise<void> {
    const checked = checkMessage(query);
    if (checked.ok) await this.complete(query, checked.envelope, await this.status(agent));
    else await this.refuse(query, checked.reason);
  }

  /**
   * Buries messages whose time has passed or whose deliveries are used up, and tells those who wait for an answer to
   * one: in one unit of work, so that a death in between leaves both to do.
   * @throws LeaseLost, with nothing buried: a process whose lease stands buries and answers
   */
  async bury(agentIds: readonly AgentId[]): Promise<void> {
    const { identity, hints, log } = this.#options;
    await identity.ready();
    const leaseId = identity.heldLease;
    const buried = await this.#options.unit(async ({ em }) => {
      const dead = await new MailboxRepository(em).expire(agentIds);
      const asked = dead.flatMap((message) => {
        const checked = checkMessage(message);
        return checked.ok && checked.envelope.requiresResponse ? [checked.envelope] : [];
      });
      const answers = asked.map((envelope) => this.#answer(envelope, 'error', this.#reasonOf(envelope)));
      const messages = answers.map((envelope) => ({ envelope }));
      if (messages.length > 0) await sendMessages(em, messages, { leaseId, maxHops: 0 });
      // After the answers, because without the lease they were not stored.
      const isOver = dead.length > 0 && (await new MessageRepository(em).nowUnder(leaseId)) === null;
      if (isOver) throw identity.lose(leaseId);
      return { dead, asked };
    });
    for (const { id } of buried.dead) {
      this.#count('dead');
      log.warn({ messageId: id }, 'a message is dead: it expired, or no delivery is left');
    }
    hints.responses(new Set(buried.asked.map(answersTo)));
  }

  /** Lets the agent handle a message. Throws what the agent throws. */
  receive(
    agent: ReceivingAgent,
    delivery: { readonly envelope: SignedEnvelope; readonly message: ReceivedMessage; readonly signal: AbortSignal },
  ): Promise<Json> {
    const { log, sender, watch = UNWATCHED } = this.#options;
    return callReceiver({ ...delivery, agent, sender, watch, log });
  }

  /** Why a message could not be delivered any more. */
  #reasonOf({ expiresAt }: SignedEnvelope): { code: string; message: string } {
    const expired = expiresAt !== null && expiresAt <= formatMoment(this.now());
    if (expired) return { code: 'expired', message: 'it was not handled in time' };
    return { code: 'lost', message: 'each of its deliveries ended without a word: its process died or fell silent' };
  }

  /** @throws LeaseLost when this process lost its lease: another one answers */
  async #write(completions: readonly Completion[]): Promise<readonly boolean[]> {
    const { identity } = this.#options;
    const leaseId = identity.heldLease;
    const done = await this.#options.single(({ em }) => completeDeliveries(em, leaseId, completions));
    return completions.map(({ id }) => done.has(id));
  }

  #answer(envelope: SignedEnvelope, type: 'response' | 'error', payload: SignedEnvelope['payload']): SignedEnvelope {
    const { identity } = this.#options;
    return identity.sign({
      id: newMessageId(),
      tenant: envelope.tenant,
      from: envelope.to,
      to: envelope.from,
      type,
      payload,
      priority: envelope.priority,
      requiresResponse: false,
      correlationId: envelope.correlationId,
      expiresAt: formatMoment(identity.now() + RESPONSE_LIFE_MS * 1_000),
      causeId: envelope.id,
      broadcastId: null,
      traceId: envelope.traceId,
    });
  }

  #count(what: MessageCount): void {
    this.#options.count?.(what);
  }
}

/** What survives JSON of a handler's answer. @throws ReplyInvalid */
function asReply(envelope: SignedEnvelope, message: StoredMessage, reply: Json): Json {
  const agent = String(message.toAgentId ?? envelope.to);
  const json = toJson(reply ?? null);
  if (!json.ok) throw new ReplyInvalid(agent, notJson(json));
  const bytes = Buffer.byteLength(JSON.stringify(json.value));
  if (bytes > MAX_PAYLOAD_BYTES)
    throw new ReplyInvalid(agent, `it has ${bytes} bytes and may have ${MAX_PAYLOAD_BYTES}.`);
  return json.value;
}
