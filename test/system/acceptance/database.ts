import type { QueryResultRow } from 'pg';
import { withPostgresql } from '../../../servers/probe/probes.ts';
import type { MusterUnderTest } from '../../support/muster.ts';

/**
 * Runs statements in a test's database as its superuser, whom neither tenants nor triggers bind: for what a test must
 * see or break behind the product's back. Several statements at once return the rows of the last one.
 */
export async function behindTheBack<Row extends QueryResultRow>(
  muster: Pick<MusterUnderTest, 'stack' | 'databaseUrl'>,
  text: string,
  values?: readonly unknown[],
): Promise<Row[]> {
  const url = new URL(muster.stack.superuserUrl);
  url.pathname = new URL(muster.databaseUrl).pathname;
  return withPostgresql(url.toString(), async (client) => {
    const results = await client.query<Row>(text, values === undefined ? [] : [...values]);
    const last = Array.isArray(results) ? results.at(-1) : results;
    return last.rows;
  });
}
