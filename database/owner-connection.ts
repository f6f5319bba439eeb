import { MikroORM } from '@mikro-orm/postgresql';
import { CompiledQuery, type Kysely } from 'kysely';
import { PostgresqlUnreachable } from './database-errors.ts';
import { type GuardedPool, PoolGuard } from './pool-guard.ts';

/**
 * One session of the schema's owner (or of whoever may read the catalogue), closed when the work ends.
 * @throws PostgresqlUnreachable when no session can be opened; what the work throws is raised as it is
 */
export async function withConnection<Result>(
  url: string,
  work: (session: Kysely<unknown>) => Promise<Result>,
): Promise<Result> {
  const guard = new PoolGuard();
  const orm = new MikroORM({
    clientUrl: url,
    entities: [],
    discovery: { warnWhenNoEntities: false },
    pool: { min: 0, max: 1 },
    driverOptions: {
      application_name: 'muster migrate',
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
      onPoolCreated: (pool: GuardedPool) => guard.watch(pool),
    },
    logger: () => undefined,
  });
  let isOpen = false;
  const workInside = (session: Kysely<unknown>) => {
    isOpen = true;
    return work(session);
  };
  try {
    return await guard.withLease(() => orm.em.getKysely<unknown>().connection().execute(workInside));
  } catch (error) {
    throw isOpen ? error : new PostgresqlUnreachable(url, error);
  } finally {
    await orm.close(true);
    // A database can be copied or renamed only when no session is left in it.
    await guard.closed();
  }
}

/** Runs a whole SQL file: several statements, no parameters. */
export async function runScript(session: Kysely<unknown>, source: string): Promise<void> {
  await session.executeQuery(CompiledQuery.raw(source));
}
