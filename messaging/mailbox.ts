import { acrossBorder, HandlerThrew, parseThrown, type Thrown } from '../domain/agents/thrown.ts';
import { errorMessage, hasErrorCode, MusterError } from '../domain/errors.ts';
import type { Json } from '../domain/json.ts';
import type { SignedEnvelope } from '../domain/messaging/envelope.ts';
import { afterFailedDelivery } from '../domain/messaging/message-status.ts';
import type { ReceivedMessage, ReceivingAgent } from '../domain/messaging/received-message.ts';
import { parseMoment } from '../domain/messaging/signing-text.ts';
import { raceWithAbort } from '../domain/waits.ts';
import type { ClaimRef } from '../entities/messaging/end-deliveries.ts';
import type { StoredMessage } from '../entities/messaging/stored-message.ts';
import { checkMessage } from './check-message.ts';
import type { DeliveryOutcomes } from './delivery-outcomes.ts';
import { ReceiveTimedOut } from './messaging-errors.ts';

/** How much work to take at once: so much that an urgent message waits no longer behind it. */
const BATCH_MS = 50;
const LARGEST_BATCH = 100;
/** The longest that handling one message may take. */
const RECEIVE_TIMEOUT_MS = 300_000;
/** Ids of messages handled lately, by which a row that was put back is known. */
const REMEMBERED = 10_000;

/**
 * The messages of one agent in one process, handled one after the other in the order in which they were claimed.
 *
 * States: *idle*: may be given messages; *busy*: from then on until each of them was handled, refused or given back. A
 * delivery that fails puts its message back for later and gives back the others of its group, which come after it.
 */
export class Mailbox {
  readonly agent: ReceivingAgent;
  readonly #outcomes: DeliveryOutcomes;
  readonly #held = new Map<string, StoredMessage>();
  readonly #handled = new Set<string>();
  #abort = new AbortController();
  #current: string | null = null;
  #running: Promise<void> | null = null;
  #stopping = false;
  #averageMs = BATCH_MS;

  constructor(agent: ReceivingAgent, outcomes: DeliveryOutcomes) {
    this.agent = agent;
    this.#outcomes = outcomes;
  }

  get busy(): boolean {
    return this.#running !== null;
  }

  /** How many messages it would like next: about 50 ms of work, by how long the last ones took. */
  get quota(): number {
    return Math.max(1, Math.min(LARGEST_BATCH, Math.floor(BATCH_MS / this.#averageMs)));
  }

  /** The claims whose messages have not ended. */
  get claims(): readonly ClaimRef[] {
    return [...this.#held.values()].map(({ id, fence }) => ({ id, fence }));
  }

  /** Handles claimed messages in their order. Only for an idle one. Never rejects. */
  give(messages: readonly StoredMessage[], done: () => void): void {
    for (const message of messages) this.#held.set(message.id, message);
    this.#running = this.#handleAll(messages).finally(() => {
      this.#held.clear();
      this.#running = null;
      done();
    });
  }

  /** Forgets messages that were given to another process, and aborts the handling of one of them. */
  forget(ids: readonly string[]): void {
    for (const id of ids) this.#held.delete(id);
    if (this.#current !== null && ids.includes(this.#current)) {
      this.#abort.abort(new Error('The message was given to another process.'));
    }
  }

  /** Begins no further message, and resolves when the one under way has ended; after the grace time it is aborted. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    const timer = setTimeout(() => this.#abort.abort(new Error('The process is shutting down.')), graceMs);
    await this.#running;
    clearTimeout(timer);
  }

  async #handleAll(messages: readonly StoredMessage[]): Promise<void> {
    const ends: Promise<unknown>[] = [];
    const blocked = new Set<string>();
    const back: StoredMessage[] = [];
    for (const message of messages) {
      if (!this.#held.has(message.id)) continue;
      if (this.#stopping || blocked.has(groupOf(message))) {
        back.push(message);
        continue;
      }
      const end = await this.#handle(message);
      if (end === 'blocked') blocked.add(groupOf(message));
      else if (end !== 'ended') ends.push(end.written);
    }
    if (back.length > 0) ends.push(this.#outcomes.release(back));
    // What cannot be written now is given out again when its lease runs out.
    await Promise.allSettled(ends);
  }

  /** @returns the end that is being written, so that the next message need not wait for it */
  async #handle(message: StoredMessage): Promise<'ended' | 'blocked' | { written: Promise<unknown> }> {
    const checked = checkMessage(message);
    const reason = this.#handled.has(message.id) ? 'it was handled before' : checked.ok ? null : checked.reason;
    if (!checked.ok || reason !== null) {
      await this.#outcomes.refuse(message, reason ?? 'it is not what its sender signed').catch(() => undefined);
      return 'ended';
    }
    const { envelope } = checked;
    const startedAt = performance.now();
    try {
      const result = await this.#receive(message, envelope);
      this.#averageMs = this.#averageMs * 0.8 + (performance.now() - startedAt) * 0.2;
      return { written: this.#complete(message, envelope, result) };
    } catch (error) {
      return this.#failed(message, envelope, error);
    }
  }

  async #complete(message: StoredMessage, envelope: SignedEnvelope, result: Json): Promise<void> {
    try {
      const written = await this.#outcomes.complete(message, envelope, result);
      if (written) this.#remember(message.id);
    } catch (error) {
      if (!(error instanceof MusterError) || error.retryable) throw error;
      // The answer itself cannot be sent, and would not be better the next time.
      await this.#failed(message, envelope, error);
    }
    this.#held.delete(message.id);
  }

  #remember(id: string): void {
    this.#handled.add(id);
    if (this.#handled.size <= REMEMBERED) return;
    const [oldest] = this.#handled;
    if (oldest !== undefined) this.#handled.delete(oldest);
  }

  async #failed(message: StoredMessage, envelope: SignedEnvelope, cause: unknown): Promise<'ended' | 'blocked'> {
    // The process that has it now decides what becomes of it.
    if (!this.#held.has(message.id)) return 'blocked';
    if (this.#stopping && this.#abort.signal.aborted) {
      await this.#outcomes.release([message]).catch(() => undefined);
      return 'blocked';
    }
    const { code, message: reason, retryable, retryAfterMs } = faultOf(cause);
    const next = afterFailedDelivery(message.attempts, retryable);
    const delayMs = next.kind === 'again' ? Math.max(next.delayMs, retryAfterMs ?? 0) : null;
    const failure = { delayMs, code, reason };
    await this.#outcomes.fail(message, envelope, failure).catch(() => undefined);
    this.#held.delete(message.id);
    return next.kind === 'again' ? 'blocked' : 'ended';
  }

  async #receive(message: StoredMessage, envelope: SignedEnvelope): Promise<Json> {
    if (isStatusQuery(envelope)) return this.#outcomes.status(this.agent);
    this.#abort = new AbortController();
    this.#current = message.id;
    const timeoutMs = this.#timeoutOf(envelope);
    const timer = setTimeout(() => this.#abort.abort(new ReceiveTimedOut(this.agent.name, timeoutMs)), timeoutMs);
    const { signal } = this.#abort;
    try {
      const delivery = { envelope, message: this.#received(message, envelope), signal };
      const receive = () => this.#outcomes.receive(this.agent, delivery);
      return await raceWithAbort(signal, () => acrossBorder(receive));
    } finally {
      clearTimeout(timer);
      this.#current = null;
    }
  }

  /** Nobody waits for the answer to a request that has expired. */
  #timeoutOf({ requiresResponse, expiresAt }: SignedEnvelope): number {
    if (!requiresResponse || expiresAt === null) return RECEIVE_TIMEOUT_MS;
    const leftMs = Math.ceil((parseMoment(expiresAt) - this.#outcomes.now()) / 1_000);
    return Math.max(1, Math.min(RECEIVE_TIMEOUT_MS, leftMs));
  }

  #received(message: StoredMessage, envelope: SignedEnvelope): ReceivedMessage {
    return {
      id: envelope.id,
      from: message.fromName,
      to: this.agent.name,
      // Only what is sendable is claimed.
      type: envelope.type as ReceivedMessage['type'],
      payload: envelope.payload,
      priority: envelope.priority,
      sentAt: new Date(envelope.timestamp),
      expiresAt: envelope.expiresAt === null ? null : new Date(envelope.expiresAt),
      requiresResponse: envelope.requiresResponse,
      correlationId: envelope.correlationId,
      broadcastId: envelope.broadcastId,
      delivery: message.attempts,
    };
  }
}

/** Whether Muster answers a message itself. */
function isStatusQuery({ type, payload }: SignedEnvelope): boolean {
  return type === 'query' && payload.kind === 'status';
}

/** The handler's own failure, or one of ours: the time, the answer. */
function faultOf(cause: unknown): Pick<Thrown, 'code' | 'message' | 'retryable' | 'retryAfterMs'> {
  if (cause instanceof HandlerThrew) return parseThrown(cause.thrown);
  const code = hasErrorCode(cause) ? cause.code : 'handler_failed';
  const retryable = !(cause instanceof MusterError) || cause.retryable;
  return { code, message: errorMessage(cause), retryable, retryAfterMs: null };
}

function groupOf({ raw }: StoredMessage): string {
  return `${raw.from ?? raw.leaseId}/${raw.priority}`;
}
