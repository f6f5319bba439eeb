import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';

/** What this file needs of a client of the `pg` pool that was made with `pipeline`. */
export interface UnitClient {
  query(text: unknown, values?: unknown[]): Promise<unknown>;
  emit(event: 'error', error: Error): boolean;
}

/** The SQL with which the unit of work under way enters its scope. */
export const unitScope = new AsyncLocalStorage<string>();

/** The server's answers when a statement that it prepared no longer fits: the schema changed, or a pooler switched. */
const STALE_STATEMENT_STATES = new Set(['0A000', '26000']);
/** What a statement is answered with in a transaction that an earlier error has ended. */
const TRANSACTION_FAILED = '25P02';

/**
 * Makes a connection cheaper for short units of work. A round trip costs more than most statements, and planning costs
 * more than running most of them. So `begin` and the scope go out together, ahead of the first statement and without
 * waiting for their answer; and statements with parameters are prepared under a name, once a connection.
 *
 * If entering the scope fails, the transaction is dead: the first statement is refused by the server, and its caller is
 * given the reason. A connection whose prepared statement no longer fits is given up, and the unit runs on another one.
 */
export function prepareUnitClient(client: UnitClient): void {
  const send = client.query.bind(client);
  const names = new StatementNames();
  let entering: Promise<unknown> = Promise.resolve();

  client.query = (text, values) => {
    const scope = unitScope.getStore();
    if (text === 'begin' && scope !== undefined) {
      entering = send(`begin; ${scope}`);
      entering.catch(() => undefined);
      return Promise.resolve({ rows: [], rowCount: null, command: 'BEGIN' });
    }
    if (typeof text !== 'string' || values === undefined || values.length === 0) return send(text, values);
    const entered = entering;
    return send({ name: names.of(text), text, values }).catch(async (error: unknown) => {
      if (stateOf(error) === TRANSACTION_FAILED) await entered;
      if (error instanceof Error && STALE_STATEMENT_STATES.has(stateOf(error))) client.emit('error', error);
      throw error;
    });
  };
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
