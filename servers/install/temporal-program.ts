import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { CACHE_VARIABLE, makeUsable, readOrNull } from '../find/state-folder.ts';
import type { ProgramSource } from '../services.ts';
import type { ServiceProgram } from '../start/processes.ts';
import { findProgram, isExecutable, lastLine, runCommand } from './commands.ts';

/** Older servers know neither priority nor fairness of task queues. */
const OLDEST_SERVER = [1, 29] as const;

/** Beside this file in a clone and in the package. */
const BRING_IN = fileURLToPath(new URL('./temporal-cli/bring-in.mjs', import.meta.url));

/** An installed Temporal command line that is new enough, or the one in the cache, or `null`. */
export async function findTemporal(cacheFolder: string): Promise<ServiceProgram | null> {
  const installed = await findProgram('temporal');
  const found = installed === null ? null : await describeProgram(installed, 'installed');
  return found ?? (await findCached(cacheFolder));
}

/**
 * Downloads or builds the pinned Temporal into the cache, or waits for another process that is doing so. Rejects with
 * the reasons why both ways failed, or with FolderUnusable.
 */
export async function bringInTemporal(cacheFolder: string, announce: (text: string) => void): Promise<ServiceProgram> {
  makeUsable(join(cacheFolder, 'temporal'), CACHE_VARIABLE);
  const running = execa(process.execPath, [BRING_IN, cacheFolder], { stdin: 'ignore', reject: false, cleanup: false });
  for await (const line of running) announce(line);
  const { exitCode, stderr } = await running;
  const program = await findCached(cacheFolder);
  if (exitCode === 0 && program !== null) return program;
  throw new Error(`no Temporal server could be installed (${lastLine(stderr)}).`);
}

/** The program as bring-in.mjs leaves it: the version is the one that go.mod pins. */
async function findCached(cacheFolder: string): Promise<ServiceProgram | null> {
  const pinned = readFileSync(join(dirname(BRING_IN), 'go.mod'), 'utf8');
  const version = /github\.com\/temporalio\/cli v(\S+)/.exec(pinned)?.[1] ?? 'none';
  const path = join(cacheFolder, 'temporal', version, 'temporal');
  if (!isExecutable(path)) return null;
  return describeProgram(path, readOrigin(dirname(path)));
}

function readOrigin(folder: string): ProgramSource {
  return readOrNull(join(folder, 'origin'))?.trim() === 'download' ? 'download' : 'build';
}

async function describeProgram(path: string, source: ProgramSource): Promise<ServiceProgram | null> {
  const { output } = await runCommand(path, ['--version'], { timeoutMs: 20_000 });
  const server = /Server (\d+)\.(\d+)\.\d+/.exec(output);
  if (server === null) return null;
  const [major, minor] = [Number(server[1]), Number(server[2])];
  if (major < OLDEST_SERVER[0] || (major === OLDEST_SERVER[0] && minor < OLDEST_SERVER[1])) return null;
  return { path, source, version: server[0].replace('Server ', '') };
}
