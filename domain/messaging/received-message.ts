import type { HandlerLog } from '../agents/handler-log.ts';
import type { AgentId } from '../ids.ts';
import type { Json, JsonObject } from '../json.ts';
import type { MessageType } from './message-status.ts';

/** The types that callers may send. Muster sends answers, of the types `response` and `error`. */
export const SENDABLE_TYPES = ['command', 'query', 'event', 'heartbeat'] as const satisfies readonly MessageType[];
export type SendableType = (typeof SENDABLE_TYPES)[number];

/** The options of a message. */
export interface SendOptions {
  /** @defaultValue 'command', for a request 'query', for a broadcast 'event' */
  readonly type?: SendableType;
  /** 1 critical, 2 high, 3 normal, 4 low: urgent messages are handled before earlier ones. @defaultValue 3 */
  readonly priority?: 1 | 2 | 3 | 4;
  /** The milliseconds after which it is no longer delivered: 1 to 30 days. @defaultValue never */
  readonly expiresInMs?: number;
}

/** The options of a request. */
export interface RequestOptions extends Omit<SendOptions, 'expiresInMs'> {
  /** How long to wait for the answer: 1 ms to 1 hour. The request expires with it. @defaultValue 10000 */
  readonly timeoutMs?: number;
}

/** A message that is stored and will be delivered. */
export interface SentMessage {
  readonly id: string;
  /** True when its id was known: nothing was written, and this is the first message. */
  readonly duplicate: boolean;
}

/** A broadcast that is stored: one receipt for each agent that was alive. */
export interface SentBroadcast {
  readonly id: string;
  readonly receipts: readonly { readonly messageId: string; readonly agent: string }[];
}

/**
 * How a handler sends messages to other agents. Each message has a step, unique within the handler: a handler that runs
 * again, after a crash for example, sends the same message under the same step, which is stored and delivered once.
 */
export interface HandlerMessages {
  /**
   * Stores a message for an agent, by name, and wakes it up. It is delivered at least once, as soon as the agent is
   * available.
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

/** A message as its recipient gets it. */
export interface ReceivedMessage {
  /** The same on every delivery. Use it for anything that must happen only once. */
  readonly id: string;
  /** The sender's name; null for a program that is not an agent. */
  readonly from: string | null;
  readonly to: string;
  readonly type: SendableType;
  readonly payload: JsonObject;
  readonly priority: number;
  readonly sentAt: Date;
  /** Null if it never expires. */
  readonly expiresAt: Date | null;
  /** Whether the sender waits for the result of `receive`. */
  readonly requiresResponse: boolean;
  readonly correlationId: string | null;
  /** Set for a broadcast: the same for all recipients. */
  readonly broadcastId: string | null;
  /** 1 on the first delivery. */
  readonly delivery: number;
}

/** The second argument of `receive`. */
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
 * Handles one message. When it ends, the message is processed; its result is the answer to a request. If it throws, the
 * message is delivered again, at most five times, unless the error says that repeating cannot help. An agent handles
 * one message at a time in each process.
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
