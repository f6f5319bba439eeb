import { readFileSync, statSync } from 'node:fs';
import type { ServiceRecord } from '../find/state-folder.ts';
import { installedPrograms } from '../install/postgresql-program.ts';
import { findRedis } from '../install/redis-program.ts';
import { programOf } from '../install/servers-in-use.ts';
import type { ServiceName, ServicesConfig } from '../services.ts';
import { probeRedis, withPostgresql } from './probes.ts';

/** Different for a file that was replaced or rewritten; `null` for one that is gone. */
export function markOf(path: string): string | null {
  const file = statSync(path, { throwIfNoEntry: false });
  return file === undefined ? null : `${file.ino}/${file.size}/${file.mtimeMs}`;
}

/** Whether the program of a server that Muster started was replaced on disk since. */
export function isReplaced({ pid, program }: ServiceRecord): boolean {
  if (program === undefined) return programOf(pid)?.replaced === true;
  return markOf(program.path) !== program.mark;
}

/**
 * A clause about a configured PostgreSQL or Redis of this machine whose program was replaced on disk since it started:
 * it fails as soon as it loads a library of the new program. `null` if no replacement is visible.
 */
export async function replacedSentence(config: ServicesConfig, service: ServiceName): Promise<string | null> {
  try {
    const server = await describeServer(config, service);
    if (server === null || !(await wasReplaced(server))) return null;
    const told = `its program was replaced on disk after it had started (process ${server.pid}, version ${server.version})`;
    return `${told}: restart this server`;
  } catch {
    return null;
  }
}

interface ConfiguredServer {
  pid: number;
  version: string;
  programs: RegExp;
  /** Versions of the installed programs that could be this server's. */
  installedVersions(): Promise<string[]>;
}

const LOOPBACK_HOSTS = new Set(['127.0.0.1', 'localhost', '[::1]']);

async function describeServer(config: ServicesConfig, service: ServiceName): Promise<ConfiguredServer | null> {
  const url = service === 'postgresql' ? config.databaseUrl : service === 'redis' ? config.redisUrl : null;
  if (url === null || !LOOPBACK_HOSTS.has(new URL(url).hostname)) return null;
  if (service === 'redis') {
    const installedVersions = async () => [(await findRedis())?.version].filter((version) => version !== undefined);
    return { ...(await probeRedis(url)), programs: /^(redis|valkey)-server/, installedVersions };
  }
  const { pid, version } = await findPostmaster(url);
  const installedVersions = async () => {
    const same = (await installedPrograms()).filter(({ major }) => major === Number.parseInt(version, 10));
    return same.map((program) => program.version);
  };
  return { pid, version, programs: /^postgres/, installedVersions };
}

/** The main process of a PostgreSQL. The child that serves a connection ends with it. */
export function findPostmaster(url: string): Promise<{ pid: number; version: string }> {
  return withPostgresql(url, async (client) => {
    const { rows } = await client.query<{ child: number; version: string }>(
      `select pg_backend_pid() as child, split_part(current_setting('server_version'), ' ', 1) as version`,
    );
    const { child = 0, version = '' } = rows[0] ?? {};
    const pid = Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${child}/status`, 'utf8'))?.[1] ?? 0);
    return { pid, version };
  });
}

/** Another user's program cannot be read; then its version is compared with the installed ones. */
async function wasReplaced({ pid, version, programs, installedVersions }: ConfiguredServer): Promise<boolean> {
  // A pid from a container or another machine belongs to another program here, or to none.
  if (!programs.test(readFileSync(`/proc/${pid}/comm`, 'utf8'))) return false;
  const seen = programOf(pid);
  if (seen !== null) return seen.replaced;
  const installed = await installedVersions();
  return installed.length > 0 && !installed.includes(version);
}
