import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { TenantId } from '../../../domain/ids.ts';

/** Puts those in order who publish a graph of one name, until the end of the transaction: no builder has this lock. */
export async function lockGraphName(em: SqlEntityManager, tenant: TenantId, name: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('graph'), hashtext(${`${tenant}/${name}`}))`.execute(em.getKysely());
}
