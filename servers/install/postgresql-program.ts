import { existsSync, globSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorMessage } from '../../domain/errors.ts';
import type { ServiceProgram } from '../start/processes.ts';
import { findProgram, isExecutable, runCommand } from './commands.ts';
import { assertMayInstall, type InstallOptions, installPackages, isPackageOffered } from './packages.ts';
import { installVector } from './pgvector.ts';

/** Older servers lack what the migrations use. */
const OLDEST_MAJOR = 15;

/** The folders in which packages put the programs of one major version, rarely on the PATH. */
const VERSIONED_FOLDERS = [
  '/usr/lib/postgresql/*/bin',
  '/usr/pgsql-*/bin',
  '/opt/homebrew/opt/postgresql@*/bin',
  '/usr/local/opt/postgresql@*/bin',
  '/Applications/Postgres.app/Contents/Versions/*/bin',
];

/** The folder of extensions on Fedora, whose `pg_config` is in a package that a server does not need. */
const FEDORA_SHARE = '/usr/share/pgsql';

/** Data of an earlier start, which only the same major version can read. */
export interface KeptData {
  folder: string;
  major: number;
}

/**
 * An installed PostgreSQL that can be started as it is, or `null`. Existing data decide the version; without data, one
 * with pgvector comes first, then the newest.
 */
export async function findPostgresql(kept: KeptData | null): Promise<ServiceProgram | null> {
  const best = bestOf(await installedPrograms(), kept);
  return best === null || best.hasVector === false ? null : programOf(best, 'installed');
}

export async function installedPrograms(): Promise<Candidate[]> {
  const onPath = await findProgram('postgres');
  // The PATH may have only a link: the rest of the installation is beside the program itself.
  const ofPath = onPath === null ? [] : [dirname(realpathSync(onPath))];
  const folders = new Set([...ofPath, ...globSync(VERSIONED_FOLDERS)]);
  const programs = await Promise.all([...folders].map(describeProgram));
  return programs.filter((program) => program !== null);
}

interface Candidate {
  path: string;
  version: string;
  major: number;
  /** `null` if the installation does not show it; the running server will. */
  hasVector: boolean | null;
}

function bestOf(programs: readonly Candidate[], kept: KeptData | null): Candidate | null {
  const usable = programs.filter(({ major }) => kept === null || major === kept.major);
  return usable.toSorted(byPreference)[0] ?? null;
}

function programOf({ path, version }: Candidate, source: ServiceProgram['source']): ServiceProgram {
  return { path, version, source };
}

async function describeProgram(folder: string): Promise<Candidate | null> {
  const path = join(folder, 'postgres');
  if (!isExecutable(path) || !isExecutable(join(folder, 'initdb'))) return null;
  const { output } = await runCommand(path, ['--version'], { timeoutMs: 5_000 });
  const version = /(\d+)\.\d+/.exec(output);
  const major = Number(version?.[1] ?? 0);
  if (version === null || major < OLDEST_MAJOR) return null;
  return { path, version: version[0], major, hasVector: await hasVector(folder) };
}

async function hasVector(folder: string): Promise<boolean | null> {
  const asked = ['--sharedir', '--pkglibdir'];
  const { exitCode, output } = await runCommand(join(folder, 'pg_config'), asked, { timeoutMs: 5_000 });
  if (exitCode !== 0) return existsSync(join(FEDORA_SHARE, 'extension', 'vector.control')) ? true : null;
  const [share = '', libraries = ''] = output.split('\n').map((line) => line.trim());
  // An interrupted installation may have left one without the other.
  return existsSync(join(share, 'extension', 'vector.control')) && globSync(join(libraries, 'vector.*')).length > 0;
}

function byPreference(left: Candidate, right: Candidate): number {
  const rank = ({ hasVector: has }: Candidate) => (has === null ? 1 : Number(has) * 2);
  return rank(right) - rank(left) || right.major - left.major;
}

/**
 * Installs what is missing with the package manager: a PostgreSQL of the version that the data need, and pgvector for
 * it. No server may run meanwhile, because packages may upgrade what they find. Rejects with a sentence.
 */
export async function installPostgresql(kept: KeptData | null, options: InstallOptions): Promise<ServiceProgram> {
  const installed = bestOf(await installedPrograms(), kept);
  const program = installed ?? (await installServer(kept, options));
  if (program.hasVector === false) {
    await installVector(program.major, options).catch((error: unknown) => {
      const found = `PostgreSQL ${program.version} (${program.path}) has no pgvector`;
      throw new Error(`${found}, which could not be installed: ${errorMessage(error)}`, { cause: error });
    });
  }
  return programOf(program, installed === null ? 'package manager' : 'installed');
}

async function installServer(kept: KeptData | null, options: InstallOptions): Promise<Candidate> {
  if (kept === null) {
    await assertMayInstall(options);
    await installPackages(['postgresql'], options);
  } else {
    await installVersion(kept, options);
  }
  const program = bestOf(await installedPrograms(), kept);
  if (program !== null) return program;
  throw new Error(`the system's package "postgresql" has no version from ${OLDEST_MAJOR} on.`);
}

async function installVersion({ folder, major }: KeptData, options: InstallOptions): Promise<void> {
  const name = `postgresql-${major}`;
  try {
    await assertMayInstall(options);
    if (!(await isPackageOffered(name))) throw new Error(`The system's sources offer no package ${name}.`);
    await installPackages([name], options);
  } catch (error) {
    const found = (await installedPrograms()).map(({ version }) => version).join(', ') || 'none';
    const reason = `only PostgreSQL ${major} reads the data in ${folder}, and the installed versions are: ${found}.`;
    const remedy = `Install PostgreSQL ${major}, or set MUSTER_STATE_DIR to another folder to start with an empty database.`;
    throw new Error(`${reason} ${errorMessage(error)} ${remedy}`, { cause: error });
  }
}
