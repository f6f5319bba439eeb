import type { HandlerLog } from '../domain/agents/handler-log.ts';
import type { AgentId, TenantId } from '../domain/ids.ts';
import type { Receive } from '../domain/messaging/received-message.ts';
import { Mailboxes } from '../messaging/mailboxes.ts';
import type { Caller } from '../operations/caller.ts';
import { Face } from './face.ts';
import { type Messages, messagesOf } from './messages.ts';
import { type ClientStores, openClientStores } from './open-stores.ts';
import { agentName, type ConnectAgentOptions, connectAgentOptions } from './options.ts';
import { ProgramMessaging } from './program-messaging.ts';
import { SILENT, voiceAs } from './program-voice.ts';

/** An agent that lives in this program, and sends in its own name. Each sending may also throw `LeaseLost`. */
export interface ConnectedAgent extends Pick<Messages, 'send' | 'request' | 'broadcast' | 'direct'> {
  readonly name: string;
  readonly id: string;
  readonly tenant: string;
  /** Ends or gives back what it is handling, says goodbye, closes its connections. Repeatable. */
  close(): Promise<void>;
}

/**
 * Makes this program an agent of the tenant: registered, alive, and, with `receive`, taking messages, including those
 * that were sent while it was offline. Several programs may be the same agent: each message goes to one of them.
 * Outages of PostgreSQL and Redis are waited out.
 *
 * @example
 * const agent = await connectAgent('archivist', {
 *   roles: ['memory'],
 *   receive: async ({ payload }) => ({ stored: String(payload.store) }),
 * });
 * const answer = await agent.request('calendar', { day: '2026-11-23' });
 * await agent.close();
 *
 * @throws OptionInvalid, NodeTooOld, ConfigInvalid, ServiceNotRunning, PostgresqlUnreachable
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
  const messaging = new ProgramMessaging({ database, redis, tenant, agents, log, maxHops });
  await messaging.open();
  const id = messaging.presence.ids.get(name) as AgentId;
  const mailboxes = await openMailbox(stores, messaging, { id, name, log, receive: options.receive }).catch(
    async (error: unknown) => {
      await messaging.close().catch(() => undefined);
      throw error;
    },
  );
  const voice = voiceAs(messaging.messenger, { tenant, from: { id, name } });
  const face = new Face({ ...stores, voiceOf: () => voice }, agentCaller(tenant, name));
  const { send, request, broadcast, direct } = messagesOf(face);
  let closing: Promise<void> | null = null;
  const close = async () => {
    try {
      await mailboxes?.stop();
      await messaging.close();
    } finally {
      await stores.close();
    }
  };
  return {
    ...{ send, request, broadcast, direct },
    ...{ name, id, tenant },
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** An agent may send in its own name, and nothing else. */
function agentCaller(tenant: TenantId, name: string): Caller {
  return { kind: 'agent', name, tenant, permissions: new Set(['messages:send']) };
}

async function openMailbox(
  { database, tenant }: ClientStores,
  messaging: ProgramMessaging,
  agent: { id: AgentId; name: string; log: HandlerLog; receive: Receive | undefined },
): Promise<Mailboxes | null> {
  const { id, name, log, receive } = agent;
  if (receive === undefined) return null;
  const mailboxes = new Mailboxes({
    single: (work) => database.single.inTenant(tenant, work),
    unit: (work) => database.inTenant(tenant, work),
    identity: messaging.identity,
    sender: messaging.messenger.sender,
    hints: messaging.messenger.hints,
    agents: [{ id, name, receive }],
    log,
  });
  await mailboxes.open();
  return mailboxes;
}
