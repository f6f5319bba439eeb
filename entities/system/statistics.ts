import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { tables } from '../tables.ts';

/**
 * Analyses the tables that have grown tenfold since they were last analysed: by what PostgreSQL expects of a new table,
 * it would read all rows of a tenant to find a hundred. Needs a system unit of work. One statement, a millisecond where
 * nothing has grown.
 * @returns the names of the analysed tables
 */
export async function analyzeGrown(em: SqlEntityManager): Promise<readonly string[]> {
  const { grown } = await tables(em)
    .selectNoFrom(({ fn }) => fn<string[]>('muster.analyze_grown').as('grown'))
    .executeTakeFirstOrThrow();
  return grown;
}
