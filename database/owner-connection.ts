import { MikroORM } from '@mikro-orm/postgresql';
import { CompiledQuery, type Kysely } from 'kysely';
import { type GuardedPool, PoolGuard } from './pool-guard.ts';

/** One session of the schema's owner (or of whoever may read the catalogue), closed when the work ends. */
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
  try {
    return await guard.withLease(() => orm.em.getKysely<unknown>().connection().execute(work));
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
