import { createHash } from 'node:crypto';
import type { Writable } from 'node:stream';
import type { PostgresCursor, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import type { PoolClient } from 'pg';

/** A client of a pool that was made with `pipeline`. The driver's types leave its socket out. */
export type PipelinedClient = PoolClient & {
  readonly connection: { readonly stream: Writable };
};

/** How the statements of a unit of work travel. */
export interface UnitTravel {
  /** The SQL with which it enters its scope, without parameters. */
  readonly scope: string;
  /** Whether it is one statement, so that `commit` can go out behind it at once. */
  readonly single: boolean;
}

/**
 * The server's answers after which another connection may fare better: a prepared statement no longer fits, since the
 * schema changed or a pooler switched; or the server takes no writes, and the primary is another one by now.
 */
const STALE_CONNECTION_STATES = new Set(['0A000', '26000', '25006']);
/** What a statement is answered with in a transaction that an earlier error has ended. */
const TRANSACTION_FAILED = '25P02';

/**
 * A client of the pool, for as long as one unit of work holds it.
 *
 * A message costs more than most statements, and planning costs more than running most of them. So the beginning of the
 * transaction, the scope and the first statement leave as one message, without waiting for each other's answers; behind
 * the statement of a single-statement unit so does `commit`. Statements with parameters are prepared under a name, once
 * a connection.
 *
 * Nothing is weaker for it. If entering the scope fails, the transaction is dead, the statement is refused by the
 * server, and its caller is given the reason. If the statement fails, the server answers `commit` by rolling back. A
 * connection that has become stale is given up, and the unit runs on another one.
 *
 * States: *free*, in which every statement is refused, as it would run without the scope; *beginning* until the driver
 * has sent its own text; *open*; *committing* once a single-statement unit has sent its statement, the only one;
 * *released*.
 */
export class UnitConnection implements PostgresPoolClient {
  readonly #client: PipelinedClient;
  readonly #travel: UnitTravel;
  #state: 'free' | 'beginning' | 'open' | 'committing' | 'released' = 'free';
  #entered: Promise<unknown> = Promise.resolve();
  #committed: Promise<unknown> | null = null;
  #corked = false;
  /** Why it was given back before the end of its unit. */
  #fault: Error | null = null;

  constructor(client: PipelinedClient, travel: UnitTravel) {
    this.#client = client;
    this.#travel = travel;
  }

  get isReleased(): boolean {
    return this.#state === 'released';
  }

  /** The next text begins the transaction, whatever its words: the scope travels with it. */
  expectBegin(): void {
    if (this.#state === 'free') this.#state = 'beginning';
  }

  query<Row>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<Row>>;
  query<Row>(cursor: PostgresCursor<Row>): PostgresCursor<Row>;
  query(text: unknown, values: readonly unknown[] = []): unknown {
    if (typeof text !== 'string') return refused('Rows are not streamed.');
    switch (this.#state) {
      case 'beginning':
        return this.#enter(text);
      case 'open':
        return this.#send(text, values);
      case 'committing':
        return refused('A unit of work of one statement may not send another one.');
      case 'released':
        return this.#gone();
      case 'free':
        return refused('A statement was sent outside the transaction of its unit of work.');
    }
  }

  /** Ends the transaction. What already travels is only waited for. */
  async end(text: 'commit' | 'rollback'): Promise<void> {
    if (this.#state === 'released') await this.#gone();
    this.#uncork();
    const ended = this.#committed ?? this.#client.query(text);
    this.#committed = null;
    this.#state = 'free';
    await ended;
  }

  /** Asks the server for an answer, without a transaction and without a scope. */
  async ask(): Promise<void> {
    await this.#client.query('select 1');
  }

  /** Gives the client back, once. @param fault why nobody may use it again: whatever waits for it fails */
  release(fault?: Error): void {
    if (this.#state === 'released') return;
    this.#state = 'released';
    this.#fault = fault ?? null;
    this.#uncork();
    // The pool would let a pipelined client finish what it has sent, however long that takes.
    if (fault !== undefined) this.#client.connection.stream.destroy();
    this.#client.release(fault);
  }

  /** What it died of: the unit runs again where that passes. */
  #gone(): Promise<never> {
    return Promise.reject(this.#fault ?? new Error('The unit of work has given its connection back.'));
  }

  #enter(text: string): Promise<unknown> {
    this.#state = 'open';
    this.#cork();
    this.#entered = this.#client.query(`${text}; ${this.#travel.scope}`);
    this.#entered.catch(() => undefined);
    return Promise.resolve({ rows: [], rowCount: null, command: 'BEGIN' });
  }

  #send(text: string, values: readonly unknown[]): Promise<unknown> {
    const name = values.length === 0 ? undefined : statementName(text);
    const sent = this.#client.query({ name, text, values: [...values] });
    if (this.#travel.single) {
      this.#state = 'committing';
      this.#committed = this.#client.query('commit');
      this.#committed.catch(() => undefined);
    }
    this.#uncork();
    return sent.catch(async (error: unknown) => {
      if (stateOf(error) === TRANSACTION_FAILED) await this.#entered;
      if (error instanceof Error && STALE_CONNECTION_STATES.has(stateOf(error))) this.release(error);
      throw error;
    });
  }

  /** Holds messages back until the next one; not beyond this turn of the event loop. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#client.connection.stream.cork();
    setImmediate(() => this.#uncork());
  }

  #uncork(): void {
    if (!this.#corked) return;
    this.#corked = false;
    this.#client.connection.stream.uncork();
  }
}

function refused(reason: string): Promise<never> {
  return Promise.reject(new Error(reason));
}

/** More different statements than this are not expected; those beyond it are planned each time. */
const MAX_NAMES = 500;
const names = new Map<string, string>();

/** The name of a statement text, the same in every process: a hash, since the server cuts names at 63 characters. */
function statementName(text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined || names.size >= MAX_NAMES) return known;
  const name = `muster_${createHash('sha1').update(text).digest('hex')}`;
  names.set(text, name);
  return name;
}

function stateOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';
}
