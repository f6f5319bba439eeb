import type { AgentId } from '../../domain/ids.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import type {
  RequestOptions,
  SendOptions,
  SentBroadcast,
  SentMessage,
} from '../../domain/messaging/received-message.ts';
import type { Direction, DirectOptions } from '../../messaging/director.ts';

/** The same id twice is one message. */
export interface WithId {
  /** A UUID. @defaultValue a new one */
  readonly id?: string;
}

/** What is said, and to whom. */
export interface Said extends WithId {
  readonly agent: string;
  readonly payload: JsonObject;
}

/** How a program that is no agent speaks to the agents of one tenant. It takes a lease at its first message. */
export interface Voice {
  send(said: Said, options: SendOptions): Promise<SentMessage>;
  request(said: Said, options: RequestOptions): Promise<Json>;
  broadcast(said: Omit<Said, 'agent'>, options: SendOptions): Promise<SentBroadcast>;
  direct(said: { readonly intent: string; readonly payload: JsonObject } & DirectOptions): Promise<Direction>;
  /** Wakes agents that may have messages. Only a hint; never rejects. */
  wake(agents: readonly AgentId[]): void;
}
