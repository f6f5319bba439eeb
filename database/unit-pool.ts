import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import type { PostgresPool } from 'kysely';
import { Pool, type PoolClient, type PoolConfig } from 'pg';
import { type PipelinedClient, UnitConnection, type UnitTravel } from './unit-connection.ts';

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

/** A unit of work, as its connection sees it. It holds one at most. */
export class Unit {
  readonly travel: UnitTravel;
  #connection: UnitConnection | null = null;
  #isOver = false;

  constructor(travel: UnitTravel) {
    this.travel = travel;
  }

  /** The connection that it was given; null before. */
  get connection(): UnitConnection | null {
    return this.#connection;
  }

  get isHolding(): boolean {
    return this.#connection?.isReleased === false;
  }

  /** Nothing is waited for any longer: a connection that the unit still holds is cut. */
  end(reason: Error): void {
    this.#isOver = true;
    this.#connection?.release(reason);
  }

  take(client: PipelinedClient): UnitConnection {
    const connection = new UnitConnection(client, this.travel);
    const refusal = this.#isOver
      ? 'The unit of work ended before it got a connection.'
      : this.#connection !== null && 'A unit of work uses one connection.';
    if (refusal !== false) {
      connection.release();
      throw new Error(refusal);
    }
    this.#connection = connection;
    return connection;
  }
}

/**
 * The connections of a database. They are given to units of work only: asked for outside of one, or for a second one
 * inside, the pool refuses. None outlives its unit, whichever way that ends, so that a connection that dies inside a
 * transaction costs no place.
 */
export class UnitPool implements PostgresPool {
  readonly #pool: Pool;
  readonly #maxConnections: number;
  readonly #current = new AsyncLocalStorage<Unit>();
  /** Connections whose socket is open, those that the pool is already closing included. */
  readonly #alive = new Set<PoolClient>();
  readonly #held = new Map<PoolClient, UnitConnection>();
  readonly #units = new Set<Unit>();
  #growing: NodeJS.Timeout | undefined;

  constructor(options: PoolConfig & { readonly max: number }) {
    this.#maxConnections = options.max;
    this.#pool = new Pool({ ...options, pipeline: true });
    this.#watch();
  }

  get options(): PoolConfig {
    return this.#pool.options;
  }

  /** Runs a unit of work: what is taken of the pool inside belongs to it, and is given back at its end. */
  async run<Result>(travel: UnitTravel, work: (unit: Unit) => Promise<Result>): Promise<Result> {
    const unit = new Unit(travel);
    this.#units.add(unit);
    try {
      return await this.#current.run(unit, () => work(unit));
    } finally {
      unit.end(new Error('The unit of work ended without giving its connection back.'));
      this.#units.delete(unit);
    }
  }

  /** @throws Error outside of a unit of work: nothing may reach the tables without a scope */
  async connect(): Promise<UnitConnection> {
    const unit = this.#current.getStore();
    if (unit === undefined) throw new Error('The tables are reached through units of work only.');
    // The pool's clients are pipelined: it was made so.
    const client = (await this.#pool.connect()) as PipelinedClient;
    const connection = unit.take(client);
    this.#held.set(client, connection);
    return connection;
  }

  /** The connection of the unit of work that calls. */
  get connection(): UnitConnection {
    const connection = this.#current.getStore()?.connection ?? null;
    if (connection === null) throw new Error('A transaction begins and ends inside of its unit of work.');
    return connection;
  }

  /**
   * Closes the pool and waits until every socket is closed, a second at most: the pool's own end does not wait.
   * Repeatable.
   */
  async end(): Promise<void> {
    if (!this.#pool.ending) await this.#pool.end();
    const deadline = performance.now() + 1_000;
    while (this.#alive.size > 0 && performance.now() < deadline) await pause(5);
  }

  /**
   * The server gave no further connection: for a while the existing ones have to be enough, and a unit of work waits
   * for one in the pool's queue.
   */
  holdSize(): void {
    const { options, totalCount } = this.#pool;
    options.max = Math.max(1, Math.min(totalCount, this.#maxConnections));
    clearTimeout(this.#growing);
    this.#growing = setTimeout(() => {
      options.max = this.#maxConnections;
    }, HOLD_SIZE_MS).unref();
  }

  state(): PoolState {
    const inTransaction = [...this.#units].filter((unit) => unit.isHolding).length;
    return {
      total: this.#pool.totalCount,
      idle: this.#pool.idleCount,
      inTransaction,
      stranded: this.#held.size - inTransaction,
    };
  }

  #watch(): void {
    // The holder of a connection learns of its death from the statement that fails; the pool drops free ones by itself.
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', (client) => {
      this.#alive.add(client);
      client.on('error', (error: Error) => this.#held.get(client)?.release(error));
    });
    this.#pool.on('release', (_error, client) => this.#held.delete(client));
    this.#pool.on('remove', (client) => this.#alive.delete(client));
  }
}
