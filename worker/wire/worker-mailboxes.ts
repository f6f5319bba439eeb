import type { Log } from '../../activities/dependencies.ts';
import type { Database } from '../../database/transaction.ts';
import { SYSTEM_TENANT } from '../../domain/ids.ts';
import type { ReceivingAgent } from '../../domain/messaging/received-message.ts';
import type { MessageCount } from '../../messaging/delivery-outcomes.ts';
import { SenderIdentity } from '../../messaging/identity.ts';
import { Mailboxes } from '../../messaging/mailboxes.ts';
import { createMessenger, type Messenger } from '../../messaging/messenger.ts';
import type { Sender } from '../../messaging/sender.ts';
import { createSigningKey } from '../../messaging/signatures.ts';
import type { AgentPresence } from '../../operations/agents/presence.ts';
import type { RedisConnections } from '../../redis/open-redis.ts';
import type { Observation } from '../observe/observation.ts';
import type { Hosted } from './collect-hosted.ts';
import { workerPresence } from './worker-presence.ts';

export interface WorkerMailboxesOptions {
  readonly database: Database;
  readonly redis: RedisConnections;
  /** Names this start of the worker. */
  readonly process: string;
  readonly taskQueue: string;
  readonly hosted: Hosted;
  readonly observation: Observation;
  readonly log: Log;
  readonly maxHops: number;
}

/**
 * A worker's part in messaging: the mailboxes of those that it hosts, and what their nodes send. Hosted agents
 * are shared by all tenants, and each message is handled on behalf of the tenant that sent it.
 */
export class WorkerMailboxes {
  /** Whose lease the messages are sent under. It has to be opened before anything else is done here. */
  readonly presence: AgentPresence;
  readonly #options: WorkerMailboxesOptions;
  readonly #messenger: Messenger;
  readonly #identity: SenderIdentity;

  constructor(options: WorkerMailboxesOptions) {
    const { database, redis, process, taskQueue, hosted, log, maxHops } = options;
    const key = createSigningKey();
    const { publicKey } = key;
    this.#options = options;
    this.presence = workerPresence({ database, process, taskQueue, publicKey, log }, [...hosted.handlers.values()]);
    this.#identity = new SenderIdentity({ process, key, holder: this.presence, database, tenant: SYSTEM_TENANT });
    const refused = () => this.#count('refused');
    this.#messenger = createMessenger({ database, redis, identity: this.#identity, log, maxHops, refused });
  }

  /** What everything in this process sends with. */
  get sender(): Sender {
    return this.#messenger.sender;
  }

  /** Begins to take messages, for agents that have `receive`; what is returned is to be stopped before `close`. */
  async open(): Promise<Mailboxes> {
    const { database, observation, log } = this.#options;
    const mailboxes = new Mailboxes({
      single: (work) => database.single.inSystem('deliver', work),
      unit: (work) => database.inSystem('deliver', work),
      identity: this.#identity,
      sender: this.#messenger.sender,
      hints: this.#messenger.hints,
      agents: this.#agents(),
      log,
      watch: observation.watch,
      count: (what) => this.#count(what),
    });
    await mailboxes.open();
    return mailboxes;
  }

  /** Ends the waiting for answers: to be called when no node runs any more. */
  async close(): Promise<void> {
    this.#messenger.close();
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
