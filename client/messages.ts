import type { Json, JsonObject } from '../domain/json.ts';
import type { MessageStatus } from '../domain/messaging/message-status.ts';
import type { RequestOptions, SendOptions, SentBroadcast, SentMessage } from '../domain/messaging/received-message.ts';
import type { MessageFilter, MessageRecord, Receipt, Redriven } from '../entities/messaging/message-repository.ts';
import type { Direction, DirectOptions } from '../messaging/director.ts';
import { broadcastReceipts, countMessages, listMessages } from '../operations/messages/read.ts';
import { redriveMessage } from '../operations/messages/redrive.ts';
import { broadcastMessage, directIntent, requestAnswer, sendMessage } from '../operations/messages/send.ts';
import type { WithId } from '../operations/messages/voice.ts';
import { type Face, withArguments } from './face.ts';

export type { Receipt as BroadcastReceipt };

/** Messages of a program that is not an agent, and what became of them. */
export interface Messages {
  /**
   * Stores a message for an agent and wakes it up. It is delivered at least once, as soon as the agent is available.
   * @example
   * await muster.messages.send('archivist', { store: 'minutes.md' }, { priority: 2 });
   * @throws AgentUnknown, MessageInvalid
   */
  send(agent: string, payload: JsonObject, options?: SendOptions & WithId): Promise<SentMessage>;
  /**
   * Asks an agent and waits for its answer, 10 s by default.
   * @example
   * const answer = await muster.messages.request('calendar', { day: '2026-11-23' });
   * @throws RequestTimedOut, RequestFailed, AgentUnknown, MessageInvalid
   */
  request(agent: string, payload: JsonObject, options?: RequestOptions & WithId): Promise<Json>;
  /**
   * Sends to every agent that is alive and takes messages, with one receipt for each.
   * @example
   * const { id } = await muster.messages.broadcast({ notice: 'maintenance at noon' });
   * const receipts = await muster.messages.receipts(id);
   */
  broadcast(payload: JsonObject, options?: SendOptions & WithId): Promise<SentBroadcast>;
  /**
   * Asks the agents that serve an intent and combines the answers that arrive in time; it names the agents that did not
   * answer.
   * @example
   * const { outcome, answers, missing } = await muster.messages.direct('calendar_query', { day: 'tomorrow' });
   * @throws MessageInvalid for an unknown intent
   */
  direct(intent: string, payload: JsonObject, options?: DirectOptions): Promise<Direction>;
  /**
   * The newest messages first: all, or those from or to one agent, or in one status.
   * @example
   * const dead = await muster.messages.list({ status: 'dead' });
   */
  list(options?: Partial<MessageFilter>): Promise<MessageRecord[]>;
  /**
   * How many messages there are in each status: to one agent, or to all.
   * @example
   * const { pending, dead } = await muster.messages.counts('archivist');
   */
  counts(agent?: string): Promise<Record<MessageStatus, number>>;
  /**
   * What became of a broadcast, agent by agent.
   * @example
   * const waiting = (await muster.messages.receipts(id)).filter((receipt) => receipt.status === 'pending');
   */
  receipts(broadcastId: string): Promise<Receipt[]>;
  /**
   * Gives a dead message another five deliveries. One that has expired or was refused stays dead.
   * @example
   * for (const { id } of await muster.messages.list({ status: 'dead' })) await muster.messages.redrive(id);
   * @throws MessageUnknown
   */
  redrive(messageId: string): Promise<Exclude<Redriven, 'unknown'>>;
}

/** Messages as the face's caller. */
export function messagesOf(face: Face): Messages {
  return {
    send: async (agent, payload, options = {}) =>
      face.call(sendMessage, withArguments('send', options, { agent, payload })),
    request: async (agent, payload, options = {}) =>
      face.call(requestAnswer, withArguments('request', options, { agent, payload })),
    broadcast: async (payload, options = {}) =>
      face.call(broadcastMessage, withArguments('broadcast', options, { payload })),
    direct: async (intent, payload, options = {}) =>
      face.call(directIntent, withArguments('direct', options, { intent, payload })),
    list: (options = {}) => face.call(listMessages, options),
    counts: (agent) => face.call(countMessages, { agent }),
    receipts: (broadcastId) => face.call(broadcastReceipts, { broadcastId }),
    redrive: (id) => face.call(redriveMessage, { id }),
  };
}
