import { existsSync, globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findProgram, isExecutable, runCommand } from './commands.ts';
import { assertMayInstall, installPackages } from './packages.ts';
import type { ServiceProgram } from './service-program.ts';

/** Older servers lack what the migrations use. */
const OLDEST_MAJOR = 15;

/** Where packages put the programs of one major version, which are rarely on the PATH. */
const VERSIONED_FOLDERS = [
  '/usr/lib/postgresql/*/bin',
  '/usr/pgsql-*/bin',
  '/opt/homebrew/opt/postgresql@*/bin',
  '/usr/local/opt/postgresql@*/bin',
  '/Applications/Postgres.app/Contents/Versions/*/bin',
];

/** An installed PostgreSQL that is new enough: one with pgvector first, then the newest; `null` where there is none. */
export async function findPostgresql(): Promise<ServiceProgram | null> {
  const onPath = await findProgram('postgres');
  const folders = [...(onPath === null ? [] : [dirname(onPath)]), ...globSync(VERSIONED_FOLDERS)];
  const programs = await Promise.all(folders.map(describeProgram));
  const usable = programs.filter((program) => program !== null);
  return usable.toSorted(byPreference)[0] ?? null;
}

interface Candidate extends ServiceProgram {
  major: number;
  hasVector: boolean;
}

async function describeProgram(folder: string): Promise<Candidate | null> {
  const path = join(folder, 'postgres');
  if (!isExecutable(path) || !isExecutable(join(folder, 'initdb'))) return null;
  const { output } = await runCommand(path, ['--version'], { timeoutMs: 5_000 });
  const version = /(\d+)\.\d+/.exec(output);
  const major = Number(version?.[1] ?? 0);
  if (version === null || major < OLDEST_MAJOR) return null;
  return { path, source: 'installed', version: version[0], major, hasVector: await hasVector(folder) };
}

async function hasVector(folder: string): Promise<boolean> {
  const { exitCode, output } = await runCommand(join(folder, 'pg_config'), ['--sharedir'], { timeoutMs: 5_000 });
  return exitCode === 0 && existsSync(join(output.trim(), 'extension', 'vector.control'));
}

function byPreference(left: Candidate, right: Candidate): number {
  return Number(right.hasVector) - Number(left.hasVector) || right.major - left.major;
}

/** Installs PostgreSQL with the package manager. Rejects with a sentence where that is impossible. */
export async function installPostgresql(noInstall: boolean, announce: (text: string) => void): Promise<ServiceProgram> {
  await assertMayInstall(noInstall);
  await installPackages(['postgresql'], announce);
  const program = await findPostgresql();
  if (program === null) {
    throw new Error(`the system's package "postgresql" brings no version from ${OLDEST_MAJOR} on.`);
  }
  return { ...program, source: 'package manager' };
}
