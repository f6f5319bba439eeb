import type { HandlerLog } from '../domain/agents/handler-log.ts';
import type { AgentId } from '../domain/ids.ts';
import type { Json, JsonObject } from '../domain/json.ts';
import type {
  Receive,
  RequestOptions,
  SendOptions,
  SentBroadcast,
  SentMessage,
} from '../domain/messaging/received-message.ts';
import { type Direction, type DirectOptions, direct } from '../messaging/director.ts';
import { AgentDirectory } from '../messaging/directory.ts';
import { Mailboxes } from '../messaging/mailboxes.ts';
import type { Sender, Speaker } from '../messaging/sender.ts';
import type { WithId } from '../operations/messages/voice.ts';
import { type ClientStores, type OpenClientOptions, openClientStores } from './open-stores.ts';
import {
  agentName,
  broadcastOptions,
  connectAgentOptions,
  requestOptions,
  sendOptions,
} from './options/message-options.ts';
import { ProgramPost } from './program-post.ts';

/** Which agent a program is, and what it does with messages. */
export interface ConnectAgentOptions extends OpenClientOptions {
  /**
   * Handles a message; what it returns is the answer. Delivered at least once, so what must happen only once is done
   * under the message's id. @defaultValue takes no messages
   */
  readonly receive?: Receive;
  /** What it is there for, and what it can do: words by which others find it. @defaultValue none */
  readonly roles?: readonly string[];
  readonly capabilities?: readonly string[];
  /** One sentence for people. @defaultValue '' */
  readonly description?: string;
  /** Hears of deliveries that failed and of outages; a pino logger fits. @defaultValue nobody */
  readonly log?: HandlerLog;
}

/** An agent that lives in this program. */
export interface ConnectedAgent {
  readonly name: string;
  readonly id: string;
  readonly tenant: string;
  /** @throws AgentUnknown, MessageInvalid, LeaseLost */
  send(to: string, payload: JsonObject, options?: SendOptions & WithId): Promise<SentMessage>;
  /** @throws RequestTimedOut, RequestFailed, and what `send` throws */
  request(to: string, payload: JsonObject, options?: RequestOptions & WithId): Promise<Json>;
  broadcast(payload: JsonObject, options?: SendOptions & WithId): Promise<SentBroadcast>;
  /** Asks the agents that stand for an intent and puts their answers together. */
  direct(intent: string, payload: JsonObject, options?: DirectOptions): Promise<Direction>;
  /** Ends or gives back what it is handling, says goodbye, closes its connections. Repeatable. */
  close(): Promise<void>;
}

const SILENT: HandlerLog = { info: () => undefined, warn: () => undefined };

/**
 * Makes this program an agent of the tenant: registered, alive, and, with `receive`, taking messages, those too that were
 * sent while it was away. Several programs may be the same agent: each message goes to one of them. Outages of PostgreSQL
 * and Redis are waited out.
 *
 * @example
 * const agent = await connectAgent('archivist', {
 *   roles: ['memory'],
 *   receive: async ({ payload }) => ({ stored: String(payload.store) }),
 * });
 * const answer = await agent.request('calendar', { day: '2026-11-23' });
 * await agent.close();
 *
 * @throws OptionInvalid, ConfigInvalid, ServiceNotRunning, PostgresqlUnreachable
 */
export async function connectAgent(name: string, options: ConnectAgentOptions = {}): Promise<ConnectedAgent> {
  const checked = connectAgentOptions(options);
  const own = agentName(name);
  const stores = await openClientStores(checked);
  try {
    return await join(stores, own, checked);
  } catch (error) {
    await stores.close();
    throw error;
  }
}

async function join(stores: ClientStores, name: string, options: ConnectAgentOptions): Promise<ConnectedAgent> {
  const { description = '', roles = [], capabilities = [], log = SILENT } = options;
  const { database, redis, tenant, maxHops } = stores;
  const agents = [{ name, type: 'custom' as const, description, roles, capabilities }];
  const post = new ProgramPost({ database, redis, tenant, agents, log, maxHops });
  await post.open();
  const id = post.presence.ids.get(name) as AgentId;
  const mailboxes = await openMailbox(stores, post, { id, name, log, receive: options.receive }).catch(
    async (error: unknown) => {
      await post.close().catch(() => undefined);
      throw error;
    },
  );
  const voice = voiceOf(post.messenger.sender, { tenant, from: { id, name } }, new AgentDirectory(database));
  let closing: Promise<void> | null = null;
  const close = async () => {
    try {
      await mailboxes?.stop();
      await post.close();
    } finally {
      await stores.close();
    }
  };
  return {
    ...voice,
    name,
    id,
    tenant,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

async function openMailbox(
  { database, tenant }: ClientStores,
  post: ProgramPost,
  agent: { id: AgentId; name: string; log: HandlerLog; receive: Receive | undefined },
): Promise<Mailboxes | null> {
  const { id, name, log, receive } = agent;
  if (receive === undefined) return null;
  const mailboxes = new Mailboxes({
    single: (work) => database.single.inTenant(tenant, work),
    unit: (work) => database.inTenant(tenant, work),
    identity: post.identity,
    sender: post.messenger.sender,
    hints: post.messenger.hints,
    agents: [{ id, name, receive }],
    log,
  });
  await mailboxes.open();
  return mailboxes;
}

function voiceOf(
  sender: Sender,
  speaker: Speaker,
  directory: AgentDirectory,
): Pick<ConnectedAgent, 'send' | 'request' | 'broadcast' | 'direct'> {
  return {
    send: async (to, payload, given = {}) => {
      const { id, ...options } = sendOptions(given);
      return sender.send(speaker, { to, payload, ...withId(id) }, options);
    },
    request: async (to, payload, given = {}) => {
      const { id, ...options } = requestOptions(given);
      return sender.request(speaker, { to, payload, ...withId(id) }, options);
    },
    broadcast: async (payload, given = {}) => {
      const { id, ...options } = broadcastOptions(given);
      return sender.broadcast(speaker, { payload, ...withId(id) }, options);
    },
    direct: async (intent, payload, options) => direct({ sender, directory }, speaker, { intent, payload, ...options }),
  };
}

function withId(id: string | undefined): { id?: string } {
  return id === undefined ? {} : { id };
}
