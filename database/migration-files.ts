import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MigrationRefused } from './database-errors.ts';
import { lintMigration } from './migration-lint.ts';

/** Where the migrations lie: beside this file, in a clone and in the built package. */
export const MIGRATIONS_FOLDER = fileURLToPath(new URL('./migrations/', import.meta.url));

const NAME = /^\d{8}_\d{6}_[a-z0-9_]+$/;

/** A migration as its file says it. */
export interface Migration {
  /** `YYYYMMDD_HHMMSS_description`: migrations run in the order of their names. */
  readonly name: string;
  readonly source: string;
  /** SHA-256 of the file's bytes, in lower-case hexadecimal. */
  readonly checksum: string;
}

/** Reads the migrations of a folder in their order. A malformed name, or two of one version, is refused. */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
  const migrations = await Promise.all(files.map((file) => readMigration(folder, file)));
  migrations.forEach((migration, index) => {
    const before = migrations[index - 1];
    if (before === undefined || versionOf(before) !== versionOf(migration)) return;
    throw refuse(migration.name, `it has the same version as ${before.name}`, 'Give it a time of its own.');
  });
  return migrations;
}

async function readMigration(folder: string, file: string): Promise<Migration> {
  const name = file.slice(0, -'.sql'.length);
  if (!NAME.test(name)) throw refuse(name, 'its name is malformed', 'Name it YYYYMMDD_HHMMSS_description.sql.');
  const bytes = await readFile(join(folder, file));
  return { name, source: bytes.toString('utf8'), checksum: createHash('sha256').update(bytes).digest('hex') };
}

const versionOf = (migration: Migration) => migration.name.slice(0, 15);

/** A row of the ledger: what was applied, exactly. */
export interface AppliedMigration {
  readonly name: string;
  readonly checksum: string;
}

/**
 * The migrations that are still to be applied. Refused are: an applied file that was edited or is missing, a new file
 * that would come before an applied one, and a new file that does more than add.
 */
export function pendingMigrations(
  migrations: readonly Migration[],
  applied: readonly AppliedMigration[],
): readonly Migration[] {
  const files = new Map(migrations.map((migration) => [migration.name, migration]));
  for (const row of applied) verifyApplied(row, files.get(row.name));
  const known = new Set(applied.map((row) => row.name));
  const last =
    applied
      .map((row) => row.name)
      .sort()
      .at(-1) ?? '';
  const pending = migrations.filter((migration) => !known.has(migration.name));
  for (const migration of pending) verifyPending(migration, last);
  return pending;
}

function verifyApplied(row: AppliedMigration, file: Migration | undefined): void {
  if (file === undefined) {
    throw refuse(
      row.name,
      'it was applied to this database but its file is missing',
      'Restore the file, or run the version of Muster that has it.',
    );
  }
  if (file.checksum === row.checksum) return;
  const found = `its file was edited after it was applied (expected SHA-256 ${row.checksum}, found ${file.checksum})`;
  throw refuse(row.name, found, 'Restore the file and put the change into a new migration.');
}

function verifyPending(migration: Migration, lastApplied: string): void {
  if (migration.name < lastApplied) {
    throw refuse(migration.name, `it comes before ${lastApplied}, which is applied already`, 'Give it a later time.');
  }
  const faults = lintMigration(migration.source);
  if (faults.length === 0) return;
  throw refuse(migration.name, faults.join('; and '), 'Migrations only add: write it as additions.');
}

function refuse(migration: string, reason: string, remedy: string): MigrationRefused {
  return new MigrationRefused({ migration, reason, remedy });
}
