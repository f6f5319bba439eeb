import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'kysely';
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
import { type OwnerSession, runScript, withConnection } from './owner-connection.ts';
import { readSchemaLines } from './statements/read-schema-lines.ts';

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
 * verified and the schema compared with what the last migration left, so an edited file or a manual change refuses the
 * whole run. Each migration runs in a transaction together with its ledger row: one that fails leaves no trace, and
 * those before it stay applied. Running it again with nothing to do changes nothing.
 */
export function migrate(options: MigrateOptions): Promise<MigrateResult> {
  return withConnection(options.ownerUrl, async (session) => {
    await session.selectNoFrom(({ fn }) => fn('pg_advisory_lock', [LOCK]).as('locked')).execute();
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
 * Makes sure that the schema has all that this version of Muster needs, before anything uses it. A newer database
 * passes: migrations only add, so that old processes continue while new ones start. Any login that may take on Muster's
 * roles can call it.
 * @throws MigrationsMissing, MigrationRefused for an applied migration that was edited
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

async function findPending(session: OwnerSession, folder = MIGRATIONS_FOLDER): Promise<readonly Migration[]> {
  return pendingMigrations(await readMigrations(folder), await readLedger(session));
}

async function readLedger(session: OwnerSession): Promise<AppliedMigration[]> {
  const ledger = await session
    .selectNoFrom((eb) => eb.fn<string | null>('to_regclass', [sql.lit('muster.schema_migrations')]).as('found'))
    .executeTakeFirstOrThrow();
  if (ledger.found === null) return [];
  return session.selectFrom('muster.schema_migrations').select(['name', 'checksum']).orderBy('name').execute();
}

/**
 * A migration that waits for a lock has every reader and writer of the table wait behind it. So it waits briefly, lets
 * them pass, and tries again: for five minutes in all.
 */
const LOCKS = { waitMs: 2_000, restMs: 3_000, tries: 60 };

async function applyMigration(session: OwnerSession, migration: Migration): Promise<void> {
  const started = performance.now();
  try {
    await applyPatiently(session, migration);
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

async function applyPatiently(session: OwnerSession, migration: Migration): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await applyOnce(session, migration);
    } catch (error) {
      if (!isLockTimeout(error) || tries >= LOCKS.tries) throw error;
      await pause(LOCKS.restMs);
    }
  }
}

function applyOnce(session: OwnerSession, { name, checksum, source }: Migration): Promise<void> {
  const started = performance.now();
  return session.transaction().execute(async (transaction) => {
    await runScript(transaction, `set local lock_timeout = ${LOCKS.waitMs}`);
    await runScript(transaction, source);
    const elapsed = Math.round(performance.now() - started);
    await transaction
      .insertInto('muster.schema_migrations')
      .values({ name, checksum, execution_ms: elapsed })
      .execute();
  });
}

/** `lock_not_available`. */
function isLockTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '55P03';
}

async function refuseDrift(session: OwnerSession): Promise<void> {
  const check = await session.transaction().execute(compareState);
  if (check.differences.length > 0) throw new SchemaDrift({ differences: check.differences });
}

async function compareState(transaction: OwnerSession): Promise<SchemaCheck> {
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

/** A login that may read neither schema nor ledger does so as the program's role. */
async function takeReadingRole(transaction: OwnerSession): Promise<void> {
  await transaction
    .selectFrom('pg_roles')
    .select(({ fn, lit }) => fn('set_config', [sql.lit('role'), sql.lit('muster_app'), lit(true)]).as('role'))
    .where('rolname', '=', 'muster_app')
    .where(({ fn }) => fn<boolean>('pg_has_role', ['oid', sql.lit('member')]))
    .where(({ fn }) =>
      fn<boolean>('has_schema_privilege', ['oid', fn('to_regnamespace', [sql.lit('muster')]), sql.lit('usage')]),
    )
    .execute();
}

async function recordedState(session: OwnerSession): Promise<{ hash: string; lines: string[] } | null> {
  const readable = await session
    .selectFrom('pg_class as c')
    .innerJoin('pg_namespace as n', 'n.oid', 'c.relnamespace')
    .select('c.oid')
    .where('n.nspname', '=', 'muster')
    .where('c.relname', '=', 'schema_state')
    .where(({ fn }) => fn<boolean>('has_schema_privilege', ['n.oid', sql.lit('usage')]))
    .where(({ fn }) => fn<boolean>('has_table_privilege', ['c.oid', sql.lit('select')]))
    .executeTakeFirst();
  if (readable === undefined) return null;
  const state = await session.selectFrom('muster.schema_state').select(['hash', 'lines']).executeTakeFirst();
  return state ?? null;
}

function recordState(session: OwnerSession): Promise<string> {
  return session.transaction().execute(async (transaction) => {
    const lines = await readSchemaLines(transaction);
    const hash = hashLines(lines);
    await transaction
      .insertInto('muster.schema_state')
      .values({ hash, lines: JSON.stringify(lines) })
      .onConflict((conflict) =>
        conflict.column('singleton').doUpdateSet(({ ref, fn }) => ({
          hash: ref('excluded.hash'),
          lines: ref('excluded.lines'),
          recorded_at: fn<Date>('now'),
        })),
      )
      .execute();
    return hash;
  });
}

/** SHA-256 over the lines, in lower-case hexadecimal. */
export function hashLines(lines: readonly string[]): string {
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}

/**
 * The differences: `-` for what the migrations made and is missing, `+` for what they did not make, related lines next
 * to each other.
 */
export function diffLines(expected: readonly string[], found: readonly string[]): string[] {
  const wanted = new Set(expected);
  const present = new Set(found);
  const gone = expected.filter((line) => !present.has(line)).map((line) => ({ line, sign: '-' }));
  const extra = found.filter((line) => !wanted.has(line)).map((line) => ({ line, sign: '+' }));
  return [...gone, ...extra]
    .sort((a, b) => (a.line === b.line ? 0 : a.line < b.line ? -1 : 1))
    .map(({ sign, line }) => `${sign} ${line}`);
}
