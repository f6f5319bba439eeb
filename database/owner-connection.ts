import { setTimeout as pause } from 'node:timers/promises';
import { type ColumnType, CompiledQuery, type Generated, Kysely, PostgresDialect } from 'kysely';
import { Client } from 'pg';
import { PostgresqlUnreachable } from './database-errors.ts';

/** What a session sees before any entity does: the ledger of the migrations, and as much of the catalogue as they ask. */
export interface OwnerTables {
  'muster.schema_migrations': {
    name: string;
    checksum: string;
    applied_at: Generated<Date>;
    execution_ms: number;
  };
  'muster.schema_state': {
    singleton: Generated<boolean>;
    hash: string;
    lines: ColumnType<string[], string>;
    recorded_at: Generated<Date>;
  };
  pg_roles: { oid: number; rolname: string; rolsuper: boolean; rolinherit: boolean };
  pg_auth_members: { roleid: number; member: number };
  pg_class: { oid: number; relname: string; relnamespace: number };
  pg_namespace: { oid: number; nspname: string };
}
export type OwnerSession = Kysely<OwnerTables>;

/** How long the socket may take to close. */
const CLOSE_TIMEOUT_MS = 1_000;

/**
 * One session of the schema's owner (or of a role that may read the catalogue), closed when the work ends.
 * @throws PostgresqlUnreachable when no session can be opened; what the work throws is raised as it is
 */
export async function withConnection<Result>(
  url: string,
  work: (session: OwnerSession) => Promise<Result>,
): Promise<Result> {
  const client = new Client({
    connectionString: url,
    application_name: 'muster migrate',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  });
  // The statement that meets the end of the connection says so.
  client.on('error', () => undefined);
  try {
    await client.connect().catch((error: unknown) => {
      throw new PostgresqlUnreachable(url, error);
    });
    return await work(sessionOf(client));
  } finally {
    // A database can be copied or renamed only when no session is left in it.
    await Promise.race([client.end(), pause(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
  }
}

/** Everything on this one session: its locks and settings hold for all statements. */
function sessionOf(client: Client): OwnerSession {
  const session = Object.assign(client, { release: () => undefined });
  const pool = { options: {}, connect: () => Promise.resolve(session), end: () => Promise.resolve() };
  return new Kysely({ dialect: new PostgresDialect({ pool }) });
}

/** Runs a whole SQL file: several statements, no parameters. */
export async function runScript(session: OwnerSession, source: string): Promise<void> {
  await session.executeQuery(CompiledQuery.raw(source));
}
