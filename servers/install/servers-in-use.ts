import { globSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

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
  /** Path of its program, or what it was called with where that cannot be seen. */
  program: string;
  /** Whether the program was replaced on disk since; `null` where that cannot be seen. */
  replaced: boolean | null;
}

const SERVER_PROGRAMS = new Set(['postgres', 'redis-server', 'valkey-server']);

/** A new database has three: two templates and `postgres`. */
const INITIAL_DATABASES = 3;

/** The servers that run now, without the child processes of PostgreSQL. Linux only; empty elsewhere. */
export function runningServers(): RunningServer[] {
  return readNames('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => describeServer(Number(name)))
    .filter((server) => server !== null);
}

/** The server that this process is, or `null` where it is not a server, has ended, or is one of PostgreSQL's children. */
function describeServer(pid: number): RunningServer | null {
  const name = readText(`/proc/${pid}/comm`)?.trim() ?? '';
  if (!SERVER_PROGRAMS.has(name)) return null;
  const [calledAs = ''] = (readText(`/proc/${pid}/cmdline`) ?? '').split('\0');
  if (calledAs === '' || calledAs.startsWith('postgres: ') || isInContainer(pid)) return null;
  const { program, replaced } = programOf(pid) ?? { program: calledAs, replaced: null };
  return { pid, name, program, replaced };
}

/** The program that a process runs, and whether it was replaced on disk since; `null` where that cannot be seen. */
export function programOf(pid: number): { program: string; replaced: boolean } | null {
  const link = readLink(`/proc/${pid}/exe`);
  if (link === null) return null;
  const replaced = link.endsWith(' (deleted)');
  return { program: replaced ? link.slice(0, -' (deleted)'.length) : link, replaced };
}

/** Containers show their processes to the machine, and have programs of their own. */
function isInContainer(pid: number): boolean {
  const space = readLink(`/proc/${pid}/ns/pid`);
  return space !== null && space !== readLink('/proc/self/ns/pid');
}

/** Those upgrades that touch a server which somebody uses, with a clause that says how. */
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

/** Whether this program is of that major version; where its path does not tell, it may be. */
function mayBe(program: string, major: string): boolean {
  const found = /\/postgresql\/(\d+)\//.exec(program)?.[1];
  return found === undefined || found === major;
}

function holdsDatabases(configuration: string): boolean {
  const folder = /^\s*data_directory\s*=\s*'([^']+)'/m.exec(readText(configuration) ?? '')?.[1];
  if (folder === undefined) return false;
  try {
    return readdirSync(join(folder, 'base')).filter((name) => /^\d+$/.test(name)).length > INITIAL_DATABASES;
  } catch (error) {
    // What cannot be looked into may hold something; what is not there holds nothing.
    return !(error instanceof Error && 'code' in error && error.code === 'ENOENT');
  }
}

function useOfRedis(): string | null {
  const running = runningServers().find(({ name }) => name !== 'postgres');
  if (running !== undefined) return `${running.name} runs (process ${running.pid})`;
  const [kept] = globSync('/var/lib/{redis,valkey}/{dump.rdb,appendonlydir}');
  return kept === undefined ? null : `it keeps data in ${kept}`;
}

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
