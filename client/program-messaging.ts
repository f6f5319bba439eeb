import { hostname } from 'node:os';
import { v7 as uuid } from 'uuid';
import type { Database } from '../database/transaction.ts';
import { HEARTBEAT_INTERVAL_MS } from '../domain/agents/agent-status.ts';
import type { HandlerLog } from '../domain/agents/handler-log.ts';
import { errorMessage } from '../domain/errors.ts';
import type { TenantId } from '../domain/ids.ts';
import { SenderIdentity } from '../messaging/identity.ts';
import { createMessenger, type Messenger } from '../messaging/messenger.ts';
import { createSigningKey } from '../messaging/signatures.ts';
import { AgentPresence, type PresenceOptions } from '../operations/agents/presence.ts';
import { AgentHealthBoard } from '../redis/agent-health.ts';
import type { RedisConnections } from '../redis/open-redis.ts';

export interface ProgramMessagingOptions {
  readonly database: Database;
  readonly redis: RedisConnections;
  readonly tenant: TenantId;
  /** The agents that live in this program; none for one that only sends. */
  readonly agents: PresenceOptions['agents'];
  readonly log: HandlerLog;
  readonly maxHops: number;
}

/**
 * A program's part in messaging: its lease, its heartbeats, its signature. Modes: *closed* before `open` and after
 * `close`, *present* in between. It waits out an outage of PostgreSQL or Redis. A program that was declared dead
 * meanwhile continues under a new lease.
 */
export class ProgramMessaging {
  readonly process = `${hostname()}-${process.pid}-${uuid().slice(-6)}`;
  readonly identity: SenderIdentity;
  readonly messenger: Messenger;
  readonly presence: AgentPresence;
  readonly #options: ProgramMessagingOptions;
  readonly #board: AgentHealthBoard;
  #timer: NodeJS.Timeout | null = null;
  #beating: Promise<void> | null = null;
  #closed = false;

  constructor(options: ProgramMessagingOptions) {
    const { database, redis, tenant, agents, log, maxHops } = options;
    const key = createSigningKey();
    const { process } = this;
    this.#options = options;
    this.#board = new AgentHealthBoard(redis);
    this.presence = new AgentPresence({ database, tenant, process, agents, publicKey: key.publicKey, log });
    const renew = () => this.#beat();
    this.identity = new SenderIdentity({ process, key, holder: this.presence, database, tenant, renew });
    this.messenger = createMessenger({ database, redis, identity: this.identity, log, maxHops });
  }

  /** Registers the agents, takes the lease and starts the heartbeat. */
  async open(): Promise<void> {
    await this.presence.open();
    await this.#beat();
    this.#schedule();
  }

  /** Says goodbye. The stores stay open. Repeatable. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.messenger.close();
    await this.#beating?.catch(() => undefined);
    const left = await this.presence.close();
    await this.#board.remove(left).catch(() => undefined);
  }

  /** Connections keep a program alive, its next heartbeat does not. */
  #schedule(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      void this.#beat()
        .catch((error: unknown) => {
          this.#options.log.warn({ error: errorMessage(error) }, 'could not write a heartbeat; trying again in 10 s');
        })
        .finally(() => this.#schedule());
    }, HEARTBEAT_INTERVAL_MS).unref();
  }

  /** One beat at a time: two at once would take two leases where the old one has ended. */
  #beat(): Promise<void> {
    this.#beating ??= this.#beatOnce().finally(() => {
      this.#beating = null;
    });
    return this.#beating;
  }

  async #beatOnce(): Promise<void> {
    await this.presence.beat();
    const agents = [...this.presence.ids.values()].map((id) => ({ id, status: 'active' as const }));
    await this.#board.beat(agents).catch(() => undefined);
  }
}
