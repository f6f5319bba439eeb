import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import type { Writable } from 'node:stream';

/** What this file needs of a client of the `pg` pool that was made with `pipeline`. */
export interface UnitClient {
  readonly connection: { readonly stream: Writable };
  query(text: unknown, values?: readonly unknown[]): Promise<unknown>;
  emit(event: 'error', error: Error): boolean;
}

/** How the unit of work under way travels. */
export interface UnitTravel {
  /** The SQL with which it enters its scope, without parameters. */
  readonly scope: string;
  /** Whether it is one statement, so that `commit` can go out behind it at once. */
  readonly single: boolean;
}

export const unitTravel = new AsyncLocalStorage<UnitTravel>();

/**
 * The server's answers after which another connection may fare better: a prepared statement no longer fits, since the
 * schema changed or a pooler switched; or the server takes no writes, and the primary is another one by now.
 */
const STALE_CONNECTION_STATES = new Set(['0A000', '26000', '25006']);
/** What a statement is answered with in a transaction that an earlier error has ended. */
const TRANSACTION_FAILED = '25P02';

/** Makes a connection cheaper for short units of work: see {@link UnitTraffic}. */
export function prepareUnitClient(client: UnitClient): void {
  const traffic = new UnitTraffic(client);
  client.query = (text, values) => traffic.query(text, values);
}

/**
 * The messages of one connection. A message costs more than most statements, and planning costs more than running most
 * of them. So `begin`, the scope and the first statement of a unit of work leave as one message, without waiting for
 * each other's answers; behind the statement of a single-statement unit so does `commit`. Statements with parameters
 * are prepared under a name, once a connection.
 *
 * Nothing is weaker for it. If entering the scope fails, the transaction is dead, the statement is refused by the
 * server, and its caller is given the reason. If the statement fails, the server answers `commit` by rolling back. A
 * connection that has become stale is given up, and the unit runs on another one.
 *
 * States: *idle*; *entering* from `begin` until the first statement; *open*; *committing* once a single-statement unit
 * has sent its statement: it may send no other.
 */
class UnitTraffic {
  readonly #send: UnitClient['query'];
  readonly #client: UnitClient;
  readonly #names = new StatementNames();
  #entering: Promise<unknown> = Promise.resolve();
  #committing: Promise<unknown> | null = null;
  #corked = false;

  constructor(client: UnitClient) {
    this.#client = client;
    this.#send = client.query.bind(client);
  }

  query(text: unknown, values: readonly unknown[] = []): Promise<unknown> {
    const travel = unitTravel.getStore();
    if (travel === undefined || typeof text !== 'string') return this.#send(text, values);
    if (text === 'begin') return this.#begin(travel);
    if (text === 'commit' || text === 'rollback') return this.#end(text);
    return this.#statement(travel, text, values);
  }

  #begin({ scope }: UnitTravel): Promise<unknown> {
    this.#cork();
    this.#committing = null;
    this.#entering = this.#send(`begin; ${scope}`);
    this.#entering.catch(() => undefined);
    return Promise.resolve({ rows: [], rowCount: null, command: 'BEGIN' });
  }

  #statement(travel: UnitTravel, text: string, values: readonly unknown[]): Promise<unknown> {
    if (this.#committing !== null) {
      return Promise.reject(new Error('A unit of work of one statement may not send another one.'));
    }
    const entered = this.#entering;
    const sent = this.#send({ name: values.length === 0 ? undefined : this.#names.of(text), text, values });
    if (travel.single) {
      this.#committing = this.#send('commit');
      this.#committing.catch(() => undefined);
    }
    this.#uncork();
    return sent.catch(async (error: unknown) => {
      if (stateOf(error) === TRANSACTION_FAILED) await entered;
      if (error instanceof Error && STALE_CONNECTION_STATES.has(stateOf(error))) this.#client.emit('error', error);
      throw error;
    });
  }

  #end(text: 'commit' | 'rollback'): Promise<unknown> {
    const committing = this.#committing;
    this.#committing = null;
    this.#uncork();
    return committing ?? this.#send(text);
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

/** More different statements than this are not expected; those beyond it are planned each time. */
const MAX_NAMES = 500;

/** A name for each statement text, the same in every process: a hash, since the server cuts names at 63 characters. */
class StatementNames {
  readonly #names = new Map<string, string>();

  of(text: string): string | undefined {
    const known = this.#names.get(text);
    if (known !== undefined || this.#names.size >= MAX_NAMES) return known;
    const name = `muster_${createHash('sha1').update(text).digest('hex')}`;
    this.#names.set(text, name);
    return name;
  }
}

function stateOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';
}
