import { globSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeWhole } from '../find/state-folder.ts';
import { findProgram, lastLine, runCommand } from './commands.ts';
import { assertMayInstall, type InstallOptions, installPackages, isPackageOffered, runAsRoot } from './packages.ts';

/** The Debian release whose source package of pgvector is built if the system has no package for it. */
const SOURCE_SUITE = 'trixie';

/**
 * Installs the extension pgvector for a PostgreSQL of this major version from the package manager: its package, or a
 * build of Debian's source package, which takes about ten seconds. Rejects with a sentence.
 */
export async function installVector(major: number, options: InstallOptions): Promise<void> {
  await assertMayInstall(options);
  const name = `postgresql-${major}-pgvector`;
  if (await isPackageOffered(name)) return installPackages([name], options);
  await installPackages([`postgresql-server-dev-${major}`, 'make', 'gcc', 'dpkg-dev'], options);
  options.announce(`building pgvector from the source package of Debian ${SOURCE_SUITE}`);
  const folder = mkdtempSync(join(tmpdir(), 'muster-pgvector-'));
  try {
    await downloadSource(folder);
    await buildSource(folder, major);
  } finally {
    removeWhole(folder);
  }
}

/** Downloads with separate package lists, so that the system's sources do not change. */
async function downloadSource(folder: string): Promise<void> {
  const mirror = await debianMirror();
  const sources = join(folder, 'sources.list');
  writeFileSync(
    sources,
    `deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror} ${SOURCE_SUITE} main\n`,
  );
  for (const name of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(folder, name), { recursive: true });
  const options = [
    ...['-o', `Dir::Etc::SourceList=${sources}`, '-o', 'Dir::Etc::SourceParts=/dev/null'],
    ...['-o', `Dir::State::Lists=${folder}/lists`, '-o', `Dir::Cache=${folder}/cache`],
    // The user with which apt downloads cannot read a folder of root's.
    ...['-o', 'APT::Sandbox::User='],
  ];
  await run('apt-get', [...options, 'update'], folder);
  await run('apt-get', [...options, 'source', '--download-only', 'pgvector'], folder);
  const [archive] = globSync('pgvector_*.orig.tar.*', { cwd: folder });
  if (archive === undefined) throw new Error('the source package of pgvector has no archive of the original source.');
  await run('tar', ['--extract', '--file', archive, '--one-top-level=source', '--strip-components=1'], folder);
}

async function buildSource(folder: string, major: number): Promise<void> {
  const make = (await findProgram('make')) ?? 'make';
  const pgConfig = globSync(`/usr/lib/postgresql/${major}/bin/pg_config`)[0] ?? 'pg_config';
  const source = join(folder, 'source');
  // An empty OPTFLAGS avoids instructions that only this processor has and a container's next host may lack.
  const settings = ['OPTFLAGS=', `PG_CONFIG=${pgConfig}`, 'with_llvm=no'];
  await run(make, ['-j2', ...settings], source);
  await runAsRoot(make, ['-C', source, ...settings, 'install']);
}

/** The mirror that the system's own package sources name. */
async function debianMirror(): Promise<string> {
  const { output } = await runCommand('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages']);
  const mirrors = output.split('\n').map((line) => line.trim());
  const mirror = mirrors.find((uri) => /\/debian(\.list)?\/?$/.test(uri));
  if (mirror === undefined) throw new Error('the system has no Debian mirror from which pgvector could be built.');
  return mirror;
}

async function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  const { exitCode, output } = await runCommand(command, args, { cwd });
  if (exitCode !== 0) throw new Error(`building pgvector failed, ${command} said: ${lastLine(output)}`);
}
