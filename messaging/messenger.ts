import type { Database } from '../database/transaction.ts';
import type { HandlerLog } from '../domain/agents/handler-log.ts';
import type { RedisConnections } from '../redis/open-redis.ts';
import { AgentDirectory } from './directory.ts';
import { MessageHints } from './hints.ts';
import type { SenderIdentity } from './identity.ts';
import { MessageStore } from './message-store.ts';
import { Responses } from './responses.ts';
import { Sender } from './sender.ts';

export interface MessengerOptions {
  readonly database: Database;
  readonly redis: RedisConnections;
  readonly identity: SenderIdentity;
  readonly log: HandlerLog;
  /** How many messages may have led to one that is sent: see `MUSTER_MAX_MESSAGE_HOPS`. */
  readonly maxHops: number;
  /** Told of every answer that was refused. @defaultValue nobody */
  readonly refused?: () => void;
}

/** What one process needs to send and to be answered. */
export interface Messenger {
  readonly sender: Sender;
  readonly directory: AgentDirectory;
  readonly hints: MessageHints;
  /** Ends the waiting for answers. The stores stay open. */
  close(): void;
}

export function createMessenger({ database, redis, identity, log, maxHops, refused }: MessengerOptions): Messenger {
  const hints = new MessageHints(redis);
  const responses = new Responses({ database, hints, log, refused: refused ?? (() => undefined) });
  const store = new MessageStore({ database, identity, hints, maxHops });
  const directory = new AgentDirectory(database);
  const sender = new Sender({ database, identity, directory, store, responses });
  return { sender, directory, hints, close: () => responses.close() };
}
