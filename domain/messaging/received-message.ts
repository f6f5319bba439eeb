import type { HandlerLog } from '../agents/handler-log.ts';
import type { AgentId } from '../ids.ts';
import type { Json, JsonObject } from '../json.ts';
import type { MessageType } from './message-status.ts';

/** What may be sent by hand. Answers, of the types `response` and `error`, are made by Muster. */
export const SENDABLE_TYPES = ['command', 'query', 'event', 'heartbeat'] as const satisfies readonly MessageType[];
export type SendableType = (typeof SENDABLE_TYPES)[number];

/** How a message is sent. */
export interface SendOptions {
  /** @defaultValue 'command', for a request 'query', for a broadcast 'event' */
  readonly type?: SendableType;
  /** 1 critical, 2 high, 3 normal, 4 low: what is urgent is handled before what came earlier. @defaultValue 3 */
  readonly priority?: 1 | 2 | 3 | 4;
  /** From then on it is not delivered any more, in milliseconds from now: 1 to 30 days. @defaultValue never */
  readonly expiresInMs?: number;
}

/** How a question is sent, and how long its answer is waited for. */
export interface RequestOptions extends Omit<SendOptions, 'expiresInMs'> {
  /** How long to wait for the answer: 1 ms to 1 hour. The request expires with it. @defaultValue 10000 */
  readonly timeoutMs?: number;
}

/** A message that is stored and will be delivered. */
export interface SentMessage {
  readonly id: string;
  /** True when its id was known: nothing was written, this is the first one. */
  readonly duplicate: boolean;
}

/** A broadcast that is stored: one receipt for each agent that was alive. */
export interface SentBroadcast {
  readonly id: string;
  readonly receipts: readonly { readonly messageId: string; readonly agent: string }[];
}

/**
 * How a handler speaks to other agents. Each message has a step, unique within the handler: a handler that runs again,
 * after a crash for example, sends under the same step the same message, which is stored and delivered once.
 */
export interface HandlerMessages {
  /**
   * Stores a message for an agent, by name, and wakes it up. It is delivered at least once, whenever the agent is there.
   * @throws AgentUnknown, MessageInvalid, LeaseLost
   */
  send(step: string, to: string, payload: JsonObject, options?: SendOptions): Promise<SentMessage>;
  /**
   * Sends and waits for the answer; a repetition finds the answer to the first one.
   * @throws RequestTimedOut, RequestFailed, AgentsWaitInCircle, and what `send` throws
   */
  request(step: string, to: string, payload: JsonObject, options?: RequestOptions): Promise<Json>;
  /** Sends to every agent that is alive and takes messages. */
  broadcast(step: string, payload: JsonObject, options?: SendOptions): Promise<SentBroadcast>;
}

/** A message as the agent sees it to whom it was sent. */
export interface ReceivedMessage {
  /** The same on every delivery: what must happen only once is done under it. */
  readonly id: string;
  /** The sender's name; null for a program that is no agent. */
  readonly from: string | null;
  readonly to: string;
  readonly type: SendableType;
  readonly payload: JsonObject;
  readonly priority: number;
  readonly sentAt: Date;
  /** Null for what never expires. */
  readonly expiresAt: Date | null;
  /** Whether somebody waits for what `receive` returns. */
  readonly requiresResponse: boolean;
  readonly correlationId: string | null;
  /** Set for a broadcast: the same for all who got it. */
  readonly broadcastId: string | null;
  /** 1 on the first delivery. */
  readonly delivery: number;
}

/** What `receive` is given besides the message. */
export interface ReceiveContext {
  /** The name under which it was received. */
  readonly agent: string;
  /** On whose behalf the message was sent. */
  readonly tenant: string;
  /**
   * Aborts when the request has expired, after five minutes, when the process shuts down and when the message was given
   * to another process. Pass it on.
   */
  readonly signal: AbortSignal;
  readonly messages: HandlerMessages;
  readonly log: HandlerLog;
}

/**
 * Handles one message. Its end is what makes the message processed; what it returns is the answer to a request. A
 * message whose handling threw is delivered again, at most five times, unless the error says that repeating cannot help.
 * An agent handles one message at a time in each process.
 */
export type Receive = (
  message: ReceivedMessage,
  context: ReceiveContext,
) => Promise<Json | undefined> | Promise<void> | Json | undefined | void;

/** An agent that takes messages in this process. */
export interface ReceivingAgent {
  readonly id: AgentId;
  readonly name: string;
  readonly receive: Receive;
}
