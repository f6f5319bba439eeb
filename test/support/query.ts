import { withPostgresql } from '../../servers/probe/probes.ts';
import type { MusterUnderTest } from './muster.ts';

/** Reads rows of a test's database, of all tenants. */
export function query<Row>(
  muster: Pick<MusterUnderTest, 'stack' | 'databaseUrl'>,
  statement: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const url = new URL(muster.stack.superuserUrl);
  url.pathname = new URL(muster.databaseUrl).pathname;
  return withPostgresql(url.toString(), async (client) => (await client.query(statement, [...values])).rows as Row[]);
}
