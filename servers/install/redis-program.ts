import type { ServiceProgram } from '../start/processes.ts';
import { findProgram, runCommand } from './commands.ts';
import { assertMayInstall, type InstallOptions, installPackages } from './packages.ts';

/** Older servers lack functions that the scripts use. */
const OLDEST_MAJOR = 7;

/** An installed Redis (or Valkey, which has the same protocol) that is new enough, or `null`. */
export async function findRedis(): Promise<ServiceProgram | null> {
  for (const name of ['redis-server', 'valkey-server']) {
    const path = await findProgram(name);
    if (path === null) continue;
    const { output } = await runCommand(path, ['--version'], { timeoutMs: 5_000 });
    const version = /v=(\d+)\.\S+/.exec(output);
    if (version !== null && Number(version[1]) >= OLDEST_MAJOR) {
      return { path, source: 'installed', version: version[0].slice(2) };
    }
  }
  return null;
}

/** Installs Redis with the package manager. Rejects with a sentence if that is impossible. */
export async function installRedis(options: InstallOptions): Promise<ServiceProgram> {
  await assertMayInstall(options);
  await installPackages(['redis-server'], options);
  const program = await findRedis();
  if (program === null) throw new Error(`the system's package "redis-server" is older than version ${OLDEST_MAJOR}.`);
  return { ...program, source: 'package manager' };
}
