import { globSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { processNumbers } from '../find/process-identity.ts';
import { readOrNull } from '../find/state-folder.ts';

/** A package that an installation would upgrade. */
export interface ServerUpgrade {
  name: string;
  from: string;
  to: string;
}

/** A PostgreSQL or Redis that runs on this machine, no matter who started it. */
export interface RunningServer {
  pid: number;
  /** Name of its program, such as `postgres`. */
  name: string;
  /** The path of its program, or its command line if the path cannot be read. */
  program: string;
  /** Whether the program was replaced on disk since; `null` if that is unknown. */
  replaced: boolean | null;
}

const SERVER_PROGRAMS = new Set(['postgres', 'redis-server', 'valkey-server']);

/** The databases of a new cluster: two templates and `postgres`. */
const INITIAL_DATABASES = 3;

/** The running servers, without the child processes of PostgreSQL. Only on Linux; empty elsewhere. */
export function runningServers(): RunningServer[] {
  return processNumbers()
    .map(describeServer)
    .filter((server) => server !== null);
}

/** The server with this pid, or `null` if it is not a server, has ended, or is a child of PostgreSQL. */
function describeServer(pid: number): RunningServer | null {
  const name = readOrNull(`/proc/${pid}/comm`)?.trim() ?? '';
  if (!SERVER_PROGRAMS.has(name)) return null;
  const [calledAs = ''] = (readOrNull(`/proc/${pid}/cmdline`) ?? '').split('\0');
  if (calledAs === '' || calledAs.startsWith('postgres: ') || isInContainer(pid)) return null;
  const { program, replaced } = programOf(pid) ?? { program: calledAs, replaced: null };
  return { pid, name, program, replaced };
}

/** The program of a process, and whether it was replaced on disk since; `null` if that is unknown. */
export function programOf(pid: number): { program: string; replaced: boolean } | null {
  const link = readLink(`/proc/${pid}/exe`);
  if (link === null) return null;
  const replaced = link.endsWith(' (deleted)');
  return { program: replaced ? link.slice(0, -' (deleted)'.length) : link, replaced };
}

/** The machine also sees the processes of containers, which have their own programs. */
function isInContainer(pid: number): boolean {
  const space = readLink(`/proc/${pid}/ns/pid`);
  return space !== null && space !== readLink('/proc/self/ns/pid');
}

/** The upgrades that affect a server in use, with a clause that describes the use. */
export function usedUpgrades(upgrades: readonly ServerUpgrade[]): (ServerUpgrade & { use: string })[] {
  return upgrades.flatMap((upgrade) => {
    const use = useOf(upgrade.name);
    return use === null ? [] : [{ ...upgrade, use }];
  });
}

function useOf(packageName: string): string | null {
  const major = /^postgresql-(\d+)$/.exec(packageName)?.[1];
  if (major !== undefined) return useOfPostgresql(major);
  if (/^(redis|valkey)(-server)?$/.test(packageName)) return useOfRedis();
  return null;
}

function useOfPostgresql(major: string): string | null {
  const running = runningServers().find(({ name, program }) => name === 'postgres' && mayBe(program, major));
  if (running !== undefined) return `a server of it runs (process ${running.pid})`;
  const cluster = globSync(`/etc/postgresql/${major}/*/postgresql.conf`).find(holdsDatabases);
  return cluster === undefined ? null : `the cluster of ${cluster} holds databases`;
}

/** Whether this program has that major version; assumed if its path does not show it. */
function mayBe(program: string, major: string): boolean {
  const found = /\/postgresql\/(\d+)\//.exec(program)?.[1];
  return found === undefined || found === major;
}

function holdsDatabases(configuration: string): boolean {
  const folder = /^\s*data_directory\s*=\s*'([^']+)'/m.exec(readOrNull(configuration) ?? '')?.[1];
  if (folder === undefined) return false;
  try {
    return readdirSync(join(folder, 'base')).filter((name) => /^\d+$/.test(name)).length > INITIAL_DATABASES;
  } catch (error) {
    // A folder that cannot be read may have data; a missing one has none.
    return !(error instanceof Error && 'code' in error && error.code === 'ENOENT');
  }
}

function useOfRedis(): string | null {
  const running = runningServers().find(({ name }) => name !== 'postgres');
  if (running !== undefined) return `${running.name} runs (process ${running.pid})`;
  const [kept] = globSync('/var/lib/{redis,valkey}/{dump.rdb,appendonlydir}');
  return kept === undefined ? null : `it keeps data in ${kept}`;
}

function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
