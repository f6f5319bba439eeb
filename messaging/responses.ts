import type { Database } from '../database/transaction.ts';
import { errorMessage } from '../domain/errors.ts';
import type { AgentId, LeaseId, MessageId, TenantId } from '../domain/ids.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import type { SignedEnvelope } from '../domain/messaging/envelope.ts';
import { HintedPause } from '../domain/system/loop.ts';
import { MailboxRepository } from '../entities/messaging/mailbox-repository.ts';
import { MessageRepository } from '../entities/messaging/message-repository.ts';
import type { StoredMessage } from '../entities/messaging/stored-message.ts';
import { checkMessage } from './check-message.ts';
import type { MessageHints } from './hints.ts';

/** What the answer to a request was. */
export type Answer =
  | { readonly kind: 'response'; readonly value: Json }
  | { readonly kind: 'failed'; readonly failure: string; readonly reason: string };

/** An answer that is waited for. */
export interface AwaitedAnswer {
  readonly tenant: TenantId;
  readonly correlationId: string;
  /** Who was asked: nobody else may answer. */
  readonly from: AgentId;
  /** Where answers are announced. */
  readonly announcedTo: AgentId | LeaseId;
}

export interface ResponsesOptions {
  readonly database: Database;
  readonly hints: MessageHints;
  readonly log: { warn(facts: JsonObject, message: string): void };
  readonly refused: () => void;
}

interface Waiter extends AwaitedAnswer {
  readonly resolve: (answer: Answer) => void;
}

const POLL_MS = 1_000;

/**
 * The answers that a process waits for. One loop reads for all of them, when a hint says so and every second, for as
 * long as anybody waits. Each waiter is given the answer with its correlation id, from the agent that it asked.
 */
export class Responses {
  readonly #options: ResponsesOptions;
  readonly #waiters = new Map<string, Set<Waiter>>();
  readonly #pause = new HintedPause();
  readonly #listening = new Map<string, () => void>();
  #running = false;
  #closed = false;

  constructor(options: ResponsesOptions) {
    this.#options = options;
  }

  /** Waits, at most this long. @returns null when the time is over */
  async wait(awaited: AwaitedAnswer, timeoutMs: number, signal?: AbortSignal): Promise<Answer | null> {
    signal?.throwIfAborted();
    this.#listen(awaited.announcedTo);
    const { promise, resolve, reject } = Promise.withResolvers<Answer | null>();
    const waiter = { ...awaited, resolve };
    const timer = setTimeout(() => resolve(null), timeoutMs);
    const abort = () => reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    this.#add(waiter);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      this.#remove(waiter);
    }
  }

  /** Those who still wait get no answer, and time out. */
  close(): void {
    this.#closed = true;
    for (const stop of this.#listening.values()) stop();
    this.#listening.clear();
    this.#pause.hint();
  }

  #listen(id: AgentId | LeaseId): void {
    if (this.#listening.has(id)) return;
    this.#listening.set(
      id,
      this.#options.hints.onResponses(id, () => this.#pause.hint()),
    );
  }

  #add(waiter: Waiter): void {
    const waiters = this.#waiters.get(waiter.correlationId) ?? new Set();
    this.#waiters.set(waiter.correlationId, waiters.add(waiter));
    if (!this.#running) void this.#run();
  }

  #remove(waiter: Waiter): void {
    const waiters = this.#waiters.get(waiter.correlationId);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#waiters.delete(waiter.correlationId);
    if (this.#waiters.size === 0) this.#pause.hint();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiters.size > 0 && !this.#closed) {
      await this.#look().catch((error: unknown) => {
        this.#options.log.warn({ error: errorMessage(error) }, 'could not read answers; retrying');
      });
      if (this.#waiters.size > 0) await this.#pause.wait(POLL_MS);
    }
    this.#running = false;
    if (this.#waiters.size > 0 && !this.#closed) void this.#run();
  }

  async #look(): Promise<void> {
    const byTenant = Map.groupBy(
      [...this.#waiters.values()].flatMap((set) => [...set]),
      ({ tenant }) => tenant,
    );
    for (const [tenant, waiters] of byTenant) {
      const ids = [...new Set(waiters.map(({ correlationId }) => correlationId))];
      const { single } = this.#options.database;
      const answers = await single.inTenant(tenant, ({ em }) => new MessageRepository(em).responses(ids));
      const taken: MessageId[] = [];
      for (const answer of answers) if (await this.#hand(answer)) taken.push(answer.id);
      if (taken.length > 0) await single.inTenant(tenant, ({ em }) => new MessageRepository(em).acknowledge(taken));
    }
  }

  /** @returns whether the answer was good, and still has to be marked as taken */
  async #hand(answer: StoredMessage): Promise<boolean> {
    const checked = checkMessage(answer);
    if (!checked.ok) return this.#refuse(answer, checked.reason);
    const { envelope } = checked;
    const waiters = [...(this.#waiters.get(envelope.correlationId ?? '') ?? [])];
    const [asked] = waiters;
    if (asked !== undefined && envelope.from !== asked.from) {
      return this.#refuse(answer, 'it answers what its sender was not asked');
    }
    for (const waiter of waiters) waiter.resolve(readAnswer(envelope));
    return answer.status === 'pending' && waiters.length > 0;
  }

  async #refuse(answer: StoredMessage, reason: string): Promise<boolean> {
    const { database, log, refused } = this.#options;
    const buried = await database.single.inTenant(answer.tenant, ({ em }) =>
      new MailboxRepository(em).refuse(answer, reason),
    );
    if (buried) refused();
    log.warn({ messageId: answer.id, reason }, 'refused an answer');
    return false;
  }
}

function readAnswer({ type, payload }: SignedEnvelope): Answer {
  if (type === 'response') return { kind: 'response', value: payload.value ?? null };
  const { code, message } = isJsonObject(payload) ? payload : {};
  return { kind: 'failed', failure: String(code ?? 'handler_failed'), reason: String(message ?? '') };
}
