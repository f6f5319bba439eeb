import { defineConfig, MikroORM } from '@mikro-orm/postgresql';
import { ENTITIES } from '../entities/index.ts';
import { DatabaseClosed, PostgresqlUnreachable } from './database-errors.ts';
import { type Database, type DatabaseLog, runUnitOfWork, underDeadline } from './transaction.ts';
import { UnitDialect } from './unit-driver.ts';
import { UnitPool } from './unit-pool.ts';

/** The schema that holds every table of Muster. */
const SCHEMA = 'muster';

/** The options of every mapper of Muster's tables. Migrations own the schema, so no mapper changes it. */
export function ormOptions(url: string) {
  return defineConfig({
    entities: Object.values(ENTITIES),
    clientUrl: url,
    schema: SCHEMA,
    // The mapper would ask in the middle of the first unit of work whether the database exists, and Muster never lets
    // it create one.
    ensureDatabase: false,
    schemaGenerator: { ignoreTriggers: true, ignorePolicies: true, ignoreRoutines: true },
    logger: () => undefined,
  });
}

export interface DatabaseOptions {
  readonly url: string;
  /** Connections at most. More than about five per core slows everything down. @defaultValue 10 */
  readonly poolSize?: number;
  /** Shown by the server beside each of its connections. */
  readonly applicationName: string;
  /** The longest that a unit of work may take, retries included. @defaultValue 10000 */
  readonly transactionTimeoutMs?: number;
  /** Hears of every unit of work that had to run again, and why. @defaultValue nobody */
  readonly log?: DatabaseLog;
}

/** How long to wait for a connection, new or free, and for the answer to a ping. */
const CONNECT_TIMEOUT_MS = 5_000;

/** Opens the tables. Connections are made when first needed, so this succeeds while the server is still starting. */
export function openDatabase(options: DatabaseOptions): Database {
  const timeoutMs = options.transactionTimeoutMs ?? 10_000;
  const pool = openPool(options, timeoutMs);
  const orm = new MikroORM({ ...ormOptions(options.url), driverOptions: new UnitDialect(pool) });
  const unit = { em: orm.em, pool, timeoutMs, log: options.log ?? null };
  let closing: Promise<void> | null = null;
  const running = new Set<Promise<unknown>>();
  // The mapper would quietly open a new pool, which nobody would close.
  const whileOpen = <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (closing !== null) return Promise.reject(new DatabaseClosed());
    const unit = work().finally(() => running.delete(unit));
    running.add(unit);
    return unit;
  };
  const units = (single: boolean): Database['single'] => ({
    inTenant: (tenant, work) => whileOpen(() => runUnitOfWork({ ...unit, single }, { tenant }, work)),
    inSystem: (purpose, work) => whileOpen(() => runUnitOfWork({ ...unit, single }, { purpose }, work)),
  });
  return {
    ...units(false),
    single: units(true),
    pool: () => pool.state(),
    ping: () =>
      whileOpen(() =>
        ping(pool).catch((error: unknown) => {
          throw isFaultOfProgram(error) ? error : new PostgresqlUnreachable(options.url, error);
        }),
      ),
    close: () => {
      // A mapper that was never used has no driver that could close the pool.
      closing ??= Promise.allSettled(running)
        .then(() => orm.close(true))
        .then(() => pool.end());
      return closing;
    },
  };
}

function openPool(options: DatabaseOptions, timeoutMs: number): UnitPool {
  return new UnitPool({
    connectionString: options.url,
    max: options.poolSize ?? 10,
    application_name: options.applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    query_timeout: timeoutMs + CONNECT_TIMEOUT_MS,
  });
}

/** Not of the connection: what Node refuses of an address has a code. */
function isFaultOfProgram(error: unknown): boolean {
  return (error instanceof TypeError || error instanceof ReferenceError) && !('code' in error);
}

function ping(pool: UnitPool): Promise<void> {
  const travel = { scope: '', single: true };
  const facts = { travel, timeoutMs: CONNECT_TIMEOUT_MS, remainingMs: CONNECT_TIMEOUT_MS, attempt: 1 };
  return underDeadline(pool, facts, async () => {
    const connection = await pool.connect();
    await connection.ask();
    connection.release();
  });
}
