import { type Expression, type RawBuilder, sql } from 'kysely';

// SQL text because kysely knows neither intervals nor `extract`.

/** So many milliseconds from the moment at which the row is written. */
export function inMs(ms: Expression<unknown>): RawBuilder<Date> {
  return sql<Date>`clock_timestamp() + ${ms} * interval '1 millisecond'`;
}

/** How many milliseconds a moment is ahead of the statement; less than none for one that is over. */
export function msUntil(moment: Expression<unknown>): RawBuilder<number | null> {
  return sql<number | null>`(extract(epoch from ${moment} - statement_timestamp()) * 1000)::float8`;
}
