import { MikroORM } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { DatabaseClosed, PostgresqlUnreachable } from './database-errors.ts';
import { ormOptions, SCHEMA } from './orm-options.ts';
import { type GuardedPool, PoolGuard } from './pool-guard.ts';
import { type Database, type DatabaseLog, runUnitOfWork, underDeadline } from './transaction.ts';
import { prepareUnitClient, type UnitClient } from './unit-client.ts';

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
  const guard = new PoolGuard();
  const orm = openMapper(options, guard, timeoutMs);
  const unit = { em: orm.em, guard, timeoutMs, log: options.log ?? null };
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
    pool: () => guard.state(),
    ping: () =>
      whileOpen(() =>
        ping(orm, guard).catch((error: unknown) => {
          throw new PostgresqlUnreachable(options.url, error);
        }),
      ),
    close: () => {
      closing ??= Promise.allSettled(running)
        .then(() => orm.close(true))
        .then(() => guard.closed());
      return closing;
    },
  };
}

function openMapper(options: DatabaseOptions, guard: PoolGuard, timeoutMs: number) {
  return new MikroORM({
    ...ormOptions(options.url),
    schema: SCHEMA,
    pool: { min: 0, max: options.poolSize ?? 10 },
    driverOptions: {
      application_name: options.applicationName,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      query_timeout: timeoutMs + CONNECT_TIMEOUT_MS,
      pipeline: true,
      onPoolCreated: (pool: GuardedPool<UnitClient>) => {
        guard.watch(pool);
        pool.on('connect', prepareUnitClient);
      },
    },
  });
}

function ping(orm: MikroORM, guard: PoolGuard): Promise<void> {
  const facts = { timeoutMs: CONNECT_TIMEOUT_MS, remainingMs: CONNECT_TIMEOUT_MS, attempt: 1 };
  return underDeadline(guard, facts, async () => {
    await sql`select 1`.execute(orm.em.fork().getKysely());
  });
}
