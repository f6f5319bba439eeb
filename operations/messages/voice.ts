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

/** What is said to all. */
export interface Announcement extends SendOptions, WithId {
  readonly payload: JsonObject;
}

export interface Said extends Announcement {
  readonly agent: string;
}

/** What an agent is asked. */
export interface Question extends RequestOptions, WithId {
  readonly agent: string;
  readonly payload: JsonObject;
}

/** What the agents that serve an intent are asked. */
export interface Intent extends DirectOptions {
  readonly intent: string;
  readonly payload: JsonObject;
}

/** How a program speaks to the agents of one tenant: as an agent of its own, or as none. */
export interface Voice {
  send(said: Said): Promise<SentMessage>;
  request(question: Question): Promise<Json>;
  broadcast(announcement: Announcement): Promise<SentBroadcast>;
  direct(intent: Intent): Promise<Direction>;
  /** Wakes agents that may have messages. Only a hint; never rejects. */
  wake(agents: readonly AgentId[]): void;
}
