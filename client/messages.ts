import type { Json, JsonObject } from '../domain/json.ts';
import type { MessageStatus } from '../domain/messaging/message-status.ts';
import type { RequestOptions, SendOptions, SentBroadcast, SentMessage } from '../domain/messaging/received-message.ts';
import type { MessageFilter, MessageRecord, Receipt, Redriven } from '../entities/messaging/message-repository.ts';
import type { Direction, DirectOptions } from '../messaging/director.ts';
import { countMessages } from '../operations/messages/counts.ts';
import { directIntent } from '../operations/messages/direct.ts';
import { listMessages } from '../operations/messages/list.ts';
import { broadcastReceipts } from '../operations/messages/receipts.ts';
import { redriveMessage } from '../operations/messages/redrive.ts';
import { broadcastMessage, requestAnswer, sendMessage } from '../operations/messages/send.ts';
import type { WithId } from '../operations/messages/voice.ts';
import { type Face, withArguments } from './face.ts';

export type { Receipt as BroadcastReceipt };

/** Messages of a program that is no agent, and what became of them. */
export class Messages {
  readonly #face: Face;

  constructor(face: Face) {
    this.#face = face;
  }

  /**
   * Stores a message for an agent and wakes it up. It is delivered at least once, whenever the agent is there.
   * @example
   * await muster.messages.send('archivist', { store: 'minutes.md' }, { priority: 2 });
   * @throws AgentUnknown, MessageInvalid
   */
  async send(agent: string, payload: JsonObject, options: SendOptions & WithId = {}): Promise<SentMessage> {
    return this.#face.call(sendMessage, withArguments('send', options, { agent, payload }));
  }

  /**
   * Asks an agent and waits for its answer, 10 s by default.
   * @example
   * const answer = await muster.messages.request('calendar', { day: '2026-11-23' });
   * @throws RequestTimedOut, RequestFailed, AgentUnknown, MessageInvalid
   */
  async request(agent: string, payload: JsonObject, options: RequestOptions & WithId = {}): Promise<Json> {
    return this.#face.call(requestAnswer, withArguments('request', options, { agent, payload }));
  }

  /**
   * Sends to every agent that is alive and takes messages: one receipt each.
   * @example
   * const { id } = await muster.messages.broadcast({ notice: 'maintenance at noon' });
   * const receipts = await muster.messages.receipts(id);
   */
  async broadcast(payload: JsonObject, options: SendOptions & WithId = {}): Promise<SentBroadcast> {
    return this.#face.call(broadcastMessage, withArguments('broadcast', options, { payload }));
  }

  /**
   * Asks the agents that stand for an intent, and puts together what comes back in time; those who are missing are named.
   * @example
   * const { outcome, answers, missing } = await muster.messages.direct('calendar_query', { day: 'tomorrow' });
   * @throws MessageInvalid for an unknown intent
   */
  async direct(intent: string, payload: JsonObject, options: DirectOptions = {}): Promise<Direction> {
    return this.#face.call(directIntent, withArguments('direct', options, { intent, payload }));
  }

  /**
   * The newest messages first: all, or those from or to one agent, or in one status.
   * @example
   * const dead = await muster.messages.list({ status: 'dead' });
   */
  list(options: Partial<MessageFilter> = {}): Promise<MessageRecord[]> {
    return this.#face.call(listMessages, options);
  }

  /**
   * How many messages there are in each status: to one agent, or to all.
   * @example
   * const { pending, dead } = await muster.messages.counts('archivist');
   */
  counts(agent?: string): Promise<Record<MessageStatus, number>> {
    return this.#face.call(countMessages, { agent });
  }

  /**
   * What became of a broadcast, agent by agent.
   * @example
   * const waiting = (await muster.messages.receipts(id)).filter((receipt) => receipt.status === 'pending');
   */
  receipts(broadcastId: string): Promise<Receipt[]> {
    return this.#face.call(broadcastReceipts, { broadcastId });
  }

  /**
   * Gives a dead message another five deliveries. One that has expired or was refused stays dead.
   * @example
   * for (const { id } of await muster.messages.list({ status: 'dead' })) await muster.messages.redrive(id);
   * @throws MessageUnknown
   */
  redrive(messageId: string): Promise<Exclude<Redriven, 'unknown'>> {
    return this.#face.call(redriveMessage, { id: messageId });
  }
}
