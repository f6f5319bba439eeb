import { type RawBuilder, sql } from 'kysely';

/**
 * What the loss of an attempt of a process is called that has not spoken of it itself. A process that has beaten within
 * the last 15 seconds, or that still holds a connection to this database, has not died: then its heartbeat was missed.
 * SQL text because the server's view of its connections is not a table of Muster's. A lease is found by its process.
 */
export function lossOf(process: string | null): RawBuilder<string> {
  return sql<string>`case
    when exists (select from agent_leases where process = ${process} and ended_at is null
        and renewed_at > now() - interval '15 seconds')
      or exists (select from pg_stat_activity where datname = current_database()
        and application_name = left('muster ' || ${process}::text, 63)) then 'heartbeat_missed'
    else 'handler_crashed' end`;
}
