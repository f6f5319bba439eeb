import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as pause } from 'node:timers/promises';

/** What the guard needs of a client of the `pg` pool. */
export interface GuardedClient {
  release: (error?: Error | boolean) => void;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** What the guard needs of the `pg` pool. */
export interface GuardedPool<Client = unknown> {
  readonly totalCount: number;
  readonly idleCount: number;
  /** `max`: connections at most. Looked at whenever one is asked for. */
  readonly options: { max: number };
  on(event: 'acquire' | 'connect' | 'remove', listener: (client: GuardedClient & Client) => void): unknown;
  on(event: 'release', listener: (error: unknown, client: GuardedClient & Client) => void): unknown;
}

/** How the pool stands at one moment, in connections. */
export interface PoolState {
  readonly total: number;
  readonly idle: number;
  /** Held by a unit of work that is running. */
  readonly inTransaction: number;
  /** Held by nobody and not free either: lost. Must be 0 at every moment. */
  readonly stranded: number;
}

/** How long a pool that was given no further connection asks for none. */
const HOLD_SIZE_MS = 5_000;

/** The connections that one unit of work holds: one at most, as units do not nest. */
export type Lease = Set<GuardedClient>;

/**
 * Gives connections back that nobody else would.
 *
 * A transaction of the query builder releases its connection only after a rollback that succeeded. On a connection that
 * died there is no such rollback, so each death inside a transaction would cost one place of the pool forever, and one
 * restart of the server all of them. The guard releases a held connection when it reports an error, and at the end of a
 * unit of work whatever that unit still holds.
 */
export class PoolGuard {
  /** Connections whose socket is open, those that the pool is already closing included. */
  readonly #alive = new Set<GuardedClient>();
  readonly #held = new Set<GuardedClient>();
  readonly #leases = new Set<Lease>();
  readonly #current = new AsyncLocalStorage<Lease>();
  #pool: GuardedPool | null = null;
  /** The pool's own size, once it was held. */
  #maxConnections: number | null = null;
  #growing: NodeJS.Timeout | undefined;

  /** Watches a pool. Call it once, when the pool is made. */
  watch(pool: GuardedPool): void {
    this.#pool = pool;
    pool.on('acquire', (client) => this.#held.add(client));
    pool.on('release', (_error, client) => this.#forget(client));
    pool.on('connect', (client) => {
      this.#alive.add(client);
      client.on('error', (error) => this.#drop(client, error));
    });
    pool.on('remove', (client) => this.#alive.delete(client));
    this.#markLeases(pool);
  }

  /** Runs a unit of work; connections taken inside count as its own, and none outlives it. */
  async withLease<Result>(work: (lease: Lease) => Promise<Result>): Promise<Result> {
    const lease: Lease = new Set();
    this.#leases.add(lease);
    try {
      return await this.#current.run(lease, () => work(lease));
    } finally {
      this.abandon(lease, new Error('The unit of work ended without giving its connection back.'));
      this.#leases.delete(lease);
    }
  }

  /** Cuts the connections that a unit of work holds: whatever it waits for fails now. */
  abandon(lease: Lease, reason: Error): void {
    for (const client of lease) this.#drop(client, reason);
  }

  /** Waits until every socket is closed, a second at most. The pool's own end does not wait for them. */
  async closed(): Promise<void> {
    const deadline = performance.now() + 1_000;
    while (this.#alive.size > 0 && performance.now() < deadline) await pause(5);
  }

  /**
   * The server gave no further connection: for a while those that there are have to do, and whoever needs one waits in
   * the pool's queue for its turn.
   */
  holdSize(): void {
    const pool = this.#pool;
    if (pool === null) return;
    this.#maxConnections ??= pool.options.max;
    pool.options.max = Math.max(1, Math.min(pool.totalCount, this.#maxConnections));
    clearTimeout(this.#growing);
    this.#growing = setTimeout(() => {
      pool.options.max = this.#maxConnections ?? pool.options.max;
    }, HOLD_SIZE_MS).unref();
  }

  state(): PoolState {
    const inTransaction = [...this.#leases].reduce((sum, lease) => sum + lease.size, 0);
    return {
      total: this.#pool?.totalCount ?? 0,
      idle: this.#pool?.idleCount ?? 0,
      inTransaction,
      stranded: this.#held.size - inTransaction,
    };
  }

  /** `acquire` is also raised on behalf of whoever waits in the queue, so only the caller's own context tells the unit. */
  #markLeases(pool: GuardedPool): void {
    const target = pool as GuardedPool & { connect: (...rest: unknown[]) => unknown };
    const connect = target.connect.bind(pool);
    target.connect = (...rest) => {
      const lease = this.#current.getStore();
      const connecting = connect(...rest);
      if (lease === undefined || !(connecting instanceof Promise)) return connecting;
      return connecting.then((client: GuardedClient) => this.#assign(client, lease));
    };
  }

  #assign(client: GuardedClient, lease: Lease): GuardedClient {
    if (!this.#held.has(client)) return client;
    lease.add(client);
    if (!this.#leases.has(lease)) this.#drop(client, new Error('The unit of work ended before it got a connection.'));
    return client;
  }

  #forget(client: GuardedClient): boolean {
    for (const lease of this.#leases) lease.delete(client);
    return this.#held.delete(client);
  }

  #drop(client: GuardedClient, error: Error): void {
    if (!this.#held.has(client)) return;
    const { release } = client;
    client.release = () => undefined;
    release(error);
  }
}
