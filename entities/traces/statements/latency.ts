import { type Expression, type RawBuilder, sql } from 'kysely';

/** The largest number of PostgreSQL's `integer`. */
const MOST_LATENCY_MS = 2_147_483_647;

/**
 * The time between two moments as `latency_ms` keeps it. The column ends at 24.8 days; a run that was open for longer has
 * that, and its times say the rest. A clock that was put back makes it 0. SQL text because kysely has no `extract`.
 */
export function latencyOf(since: Expression<unknown>, until: Expression<unknown>): RawBuilder<number> {
  return sql<number>`greatest(0, least(${sql.lit(MOST_LATENCY_MS)}, extract(epoch from ${until} - ${since}) * 1000))::int`;
}
