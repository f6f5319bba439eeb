import type { Log } from '../../activities/dependencies.ts';
import type { Database } from '../../database/transaction.ts';
import type { Handler } from '../../domain/agents/handler.ts';
import { SYSTEM_TENANT } from '../../domain/ids.ts';
import type { ReceivingAgent } from '../../domain/messaging/received-message.ts';
import type { MessageCount } from '../../messaging/delivery-outcomes.ts';
import { SenderIdentity } from '../../messaging/identity.ts';
import { Mailboxes } from '../../messaging/mailboxes.ts';
import { createMessenger, type Messenger } from '../../messaging/messenger.ts';
import { createSigningKey } from '../../messaging/signatures.ts';
import { AgentPresence, type PresenceOptions } from '../../operations/agents/presence.ts';
import { permissionOf } from '../../operations/as-tool.ts';
import type { RedisConnections } from '../../redis/open-redis.ts';
import type { Observation } from '../observe/observation.ts';
import type { Hosted } from './collect-hosted.ts';

export interface WorkerMailboxesOptions {
  readonly database: Database;
  readonly redis: RedisConnections;
  /** The name of this run of the worker. */
  readonly process: string;
  readonly taskQueue: string;
  readonly hosted: Hosted;
  /** What nodes may ask of the worker, as `kind:name`. */
  readonly offers: readonly string[];
  readonly observation: Observation;
  readonly log: Log;
  readonly maxHops: number;
}

/**
 * A worker's part in messaging: the mailboxes of its agents, and the messages that nodes send. Hosted agents are shared
 * by all tenants, and each message is handled on behalf of the tenant that sent it.
 */
export class WorkerMailboxes {
  /** The presence whose lease signs the messages. It must be opened first. */
  readonly presence: AgentPresence;
  /** For everything that this process sends. */
  readonly messenger: Messenger;
  readonly #options: WorkerMailboxesOptions;
  readonly #identity: SenderIdentity;

  constructor(options: WorkerMailboxesOptions) {
    const { database, redis, process, taskQueue, hosted, offers, log, maxHops } = options;
    const key = createSigningKey();
    const { publicKey } = key;
    this.#options = options;
    const hosting = { taskQueue, handlers: offers };
    this.presence = workerPresence({ database, process, hosting, publicKey, log }, [...hosted.handlers.values()]);
    this.#identity = new SenderIdentity({ process, key, holder: this.presence, database, tenant: SYSTEM_TENANT });
    const refused = () => this.#count('refused');
    this.messenger = createMessenger({ database, redis, identity: this.#identity, log, maxHops, refused });
  }

  /** Starts to take messages for agents that have `receive`. Stop the result before `close`. */
  async open(): Promise<Mailboxes> {
    const { database, observation, log } = this.#options;
    const mailboxes = new Mailboxes({
      single: (work) => database.single.inSystem('deliver', work),
      unit: (work) => database.inSystem('deliver', work),
      identity: this.#identity,
      sender: this.messenger.sender,
      hints: this.messenger.hints,
      agents: this.#agents(),
      log,
      watch: observation.watch,
      count: (what) => this.#count(what),
    });
    await mailboxes.open();
    return mailboxes;
  }

  /** Ends waiting for answers. Call it when no node runs any more. */
  async close(): Promise<void> {
    this.messenger.close();
  }

  #count(what: MessageCount): void {
    this.#options.observation.metrics.messageEnded(what);
  }

  #agents(): ReceivingAgent[] {
    return [...this.#options.hosted.handlers.values()].flatMap(({ kind, name, receive }) => {
      const id = this.presence.ids.get(name);
      return kind !== 'agent' || receive === undefined || id === undefined ? [] : [{ id, name, receive }];
    });
  }
}

/** The presence of a worker's agents and tools, shared by all tenants. */
function workerPresence(
  options: Pick<PresenceOptions, 'database' | 'process' | 'publicKey' | 'hosting' | 'log'>,
  handlers: readonly Handler[],
): AgentPresence {
  // Every worker has the operations as tools, so they are not registered as its own.
  const own = handlers.filter(({ name }) => permissionOf(name) === null);
  const agents = own.map(({ kind, name, description, roles, capabilities }) => {
    const type = kind === 'tool' ? ('tool' as const) : ('worker' as const);
    return { name, type, description, roles, capabilities };
  });
  return new AgentPresence({ ...options, tenant: SYSTEM_TENANT, agents });
}
