import { type Kysely, sql } from 'kysely';
import { errorMessage } from '../domain/errors.ts';
import { databaseFailure, MigrationRefused, MigrationsMissing, SchemaDrift } from './database-errors.ts';
import { faultOf, isTransient } from './database-faults.ts';
import { grantLogins } from './login-roles.ts';
import {
  type AppliedMigration,
  MIGRATIONS_FOLDER,
  type Migration,
  pendingMigrations,
  readMigrations,
} from './migration-files.ts';
import { runScript, withConnection } from './owner-connection.ts';
import { diffLines, hashLines, readSchemaLines } from './schema-lines.ts';

export interface MigrateOptions {
  /** The address with which the owner of the schema connects. */
  readonly ownerUrl: string;
  /** Login roles that the program connects as. @defaultValue ['muster'] */
  readonly appLogins?: readonly string[];
  /** Hears the name of each migration as it is applied. */
  readonly report?: (migration: string) => void;
  /** Where the migrations lie. @defaultValue the folder that ships with Muster */
  readonly folder?: string;
}

export interface MigrateResult {
  /** The migrations that this call applied, in order. */
  readonly applied: string[];
  /** SHA-256 of the schema's description: the same wherever the same migrations ran. */
  readonly schemaHash: string;
}

/** The lock that makes one starter wait for the other: any number, as long as nobody else takes it. */
const LOCK = sql.lit(7_274_612_011);

const LEDGER = `
  do $$ begin
    if to_regnamespace('muster') is null then create schema muster; end if;
  end $$;
  create table if not exists muster.schema_migrations (
    name text primary key, checksum text not null, applied_at timestamptz not null default now(),
    execution_ms integer not null
  );
  create table if not exists muster.schema_state (
    singleton boolean primary key default true check (singleton), hash text not null, lines jsonb not null,
    recorded_at timestamptz not null default now()
  );`;

/**
 * Brings the schema up to date. Two that start at once apply each migration once. Before anything runs the ledger is
 * verified and the schema compared with what the last migration left, so an edited file or a change by hand refuses the
 * whole run. Each migration runs in a transaction together with its ledger row: one that fails leaves no trace, and those
 * before it stay applied. Running it again with nothing to do changes nothing.
 */
export function migrate(options: MigrateOptions): Promise<MigrateResult> {
  return withConnection(options.ownerUrl, async (session) => {
    await sql`select pg_advisory_lock(${LOCK})`.execute(session);
    await runScript(session, LEDGER);
    const pending = await findPending(session, options.folder);
    if (pending.length > 0) await refuseDrift(session);
    for (const migration of pending) {
      options.report?.(migration.name);
      await applyMigration(session, migration);
    }
    await grantLogins(session, options.appLogins ?? ['muster']);
    const schemaHash = pending.length > 0 ? await recordState(session) : ((await recordedState(session))?.hash ?? '');
    return { applied: pending.map((migration) => migration.name), schemaHash };
  });
}

/** Which migrations are applied and which would be applied by {@link migrate}. Changes nothing. */
export function migrationStatus(options: {
  readonly ownerUrl: string;
  readonly folder?: string;
}): Promise<{ applied: string[]; pending: string[] }> {
  return withConnection(options.ownerUrl, async (session) => {
    const applied = await readLedger(session);
    const pending = pendingMigrations(await readMigrations(options.folder ?? MIGRATIONS_FOLDER), applied);
    return { applied: applied.map((row) => row.name), pending: pending.map((migration) => migration.name) };
  });
}

/**
 * Makes sure that the schema has all that this version of Muster needs, before anything uses it. A newer database passes:
 * migrations only add, so that old processes go on while new ones start. Any login that may take on Muster's roles can
 * ask. @throws MigrationsMissing, MigrationRefused for an applied migration that was edited
 */
export function requireMigrations(options: { readonly databaseUrl: string; readonly folder?: string }): Promise<void> {
  return withConnection(options.databaseUrl, async (session) => {
    const migrations = await readMigrations(options.folder ?? MIGRATIONS_FOLDER);
    const known = new Set(migrations.map((migration) => migration.name));
    const applied = await session.transaction().execute(async (transaction) => {
      await takeReadingRole(transaction);
      return readLedger(transaction);
    });
    const ours = applied.filter((row) => known.has(row.name));
    const pending = pendingMigrations(migrations, ours);
    if (pending.length > 0) throw new MigrationsMissing(pending.map((migration) => migration.name));
  });
}

/** What a comparison of the schema with its migrations found. */
export interface SchemaCheck {
  /** False, too, where no migration ever ran. */
  readonly matches: boolean;
  /** What the migrations left; null before the first one. */
  readonly expectedHash: string | null;
  readonly foundHash: string;
  /** Lines with `-` for what is gone and `+` for what was added, each naming its table and column. */
  readonly differences: string[];
}

/**
 * Compares the schema with what the migrations made: columns, constraints, indexes, triggers, policies, grants,
 * functions. Any login that may take on Muster's roles can ask.
 */
export function checkSchema(options: { readonly databaseUrl: string }): Promise<SchemaCheck> {
  return withConnection(options.databaseUrl, (session) =>
    session.transaction().execute(async (transaction) => {
      await takeReadingRole(transaction);
      return compareState(transaction);
    }),
  );
}

async function findPending(session: Kysely<unknown>, folder = MIGRATIONS_FOLDER): Promise<readonly Migration[]> {
  return pendingMigrations(await readMigrations(folder), await readLedger(session));
}

async function readLedger(session: Kysely<unknown>): Promise<AppliedMigration[]> {
  const there = await sql<{
    there: boolean;
  }>`select to_regclass('muster.schema_migrations') is not null as there`.execute(session);
  if (there.rows[0]?.there !== true) return [];
  return (
    await sql<AppliedMigration>`select name, checksum from muster.schema_migrations order by name`.execute(session)
  ).rows;
}

async function applyMigration(session: Kysely<unknown>, migration: Migration): Promise<void> {
  const started = performance.now();
  try {
    await session.transaction().execute(async (transaction) => {
      await runScript(transaction, migration.source);
      const elapsed = Math.round(performance.now() - started);
      await sql`insert into muster.schema_migrations (name, checksum, execution_ms)
        values (${migration.name}, ${migration.checksum}, ${elapsed})`.execute(transaction);
    });
  } catch (error) {
    const fault = faultOf(error);
    // Nothing is wrong with the migration: the same call may succeed once the server is well.
    if (isTransient(fault))
      throw databaseFailure(fault, error, { timeoutMs: Math.round(performance.now() - started), attempts: 1 });
    const facts = {
      migration: migration.name,
      reason: `it failed with: ${errorMessage(error)}`,
      remedy: 'Nothing of it was applied. Put right what the database names, then migrate again.',
    };
    throw new MigrationRefused(facts, error);
  }
}

async function refuseDrift(session: Kysely<unknown>): Promise<void> {
  const check = await session.transaction().execute(compareState);
  if (check.differences.length > 0) throw new SchemaDrift({ differences: check.differences });
}

async function compareState(transaction: Kysely<unknown>): Promise<SchemaCheck> {
  const recorded = await recordedState(transaction);
  const lines = await readSchemaLines(transaction);
  const differences = recorded === null ? [] : diffLines(recorded.lines, lines);
  return {
    matches: recorded !== null && differences.length === 0,
    expectedHash: recorded?.hash ?? null,
    foundHash: hashLines(lines),
    differences,
  };
}

/** Whoever may read neither schema nor ledger under the login's own rights does so as the program's role. */
async function takeReadingRole(transaction: Kysely<unknown>): Promise<void> {
  await sql`select set_config('role', 'muster_app', true) from pg_roles
    where rolname = 'muster_app' and pg_has_role(oid, 'member')
      and has_schema_privilege(oid, to_regnamespace('muster'), 'usage')`.execute(transaction);
}

async function recordedState(session: Kysely<unknown>): Promise<{ hash: string; lines: string[] } | null> {
  const there = await sql<{ there: boolean }>`select exists (select from pg_class c join pg_namespace n
    on n.oid = c.relnamespace where n.nspname = 'muster' and c.relname = 'schema_state'
      and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')) as there`.execute(session);
  if (there.rows[0]?.there !== true) return null;
  const rows = await sql<{ hash: string; lines: string[] }>`select hash, lines from muster.schema_state`.execute(
    session,
  );
  return rows.rows[0] ?? null;
}

function recordState(session: Kysely<unknown>): Promise<string> {
  return session.transaction().execute(async (transaction) => {
    const lines = await readSchemaLines(transaction);
    const hash = hashLines(lines);
    await sql`insert into muster.schema_state (hash, lines) values (${hash}, ${JSON.stringify(lines)}::jsonb)
      on conflict (singleton) do update set hash = excluded.hash, lines = excluded.lines, recorded_at = now()`.execute(
      transaction,
    );
    return hash;
  });
}
