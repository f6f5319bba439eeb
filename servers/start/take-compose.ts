import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  COMPOSE_SERVERS,
  type ComposeServers,
  namesNoServer,
  rememberCompose,
  takenServers,
} from '../find/compose-servers.ts';
import { projectFolder, type StateFolder } from '../find/state-folder.ts';
import { findProgram, runCommand } from '../install/commands.ts';
import { probePostgresql, probeRedis, probeTemporal } from '../probe/probes.ts';
import { ComposeSilent } from '../server-errors.ts';
import { type Report, SERVICE_NAMES, type ServicesConfig } from '../services.ts';
import { SEARCH_ATTRIBUTES_QUERY } from './temporal.ts';

export interface TakeOptions {
  folder: StateFolder;
  report: Report;
  /** The file that defines the containers. */
  file?: string;
  /** Their addresses. */
  servers?: ComposeServers;
  /** How long they may take to answer. @defaultValue 60000 */
  timeoutMs?: number;
}

/**
 * Uses the containers of `compose.yaml` if nothing is configured, none of Muster's own servers runs, and Docker reports
 * that all three run; the project keeps using them from then on, because its data are there. Servers on the usual ports
 * that Docker does not know are never contacted: anybody on the machine could have started them. Throws ComposeSilent.
 */
export async function takeCompose(config: ServicesConfig, options: TakeOptions): Promise<void> {
  const { folder, report, file = join(projectFolder(), 'compose.yaml'), servers = COMPOSE_SERVERS } = options;
  const runsOwn = SERVICE_NAMES.some((name) => folder.aliveRecord(name) !== null);
  if (!namesNoServer(config) || runsOwn || takenServers(folder) !== null || !(await containersRun(file))) return;
  report({ service: null, text: `using the containers of ${file}; \`muster down\` leaves them running` });
  await untilTheyAnswer(servers, { namespace: config.temporalNamespace, timeoutMs: options.timeoutMs ?? 60_000 });
  rememberCompose(folder, servers);
}

async function containersRun(file: string): Promise<boolean> {
  const docker = existsSync(file) ? await findProgram('docker') : null;
  if (docker === null) return false;
  const args = ['compose', '--file', file, 'ps', '--services', '--status', 'running'];
  const { exitCode, output } = await runCommand(docker, args, { timeoutMs: 10_000 });
  const running = output.split('\n').map((line) => line.trim());
  return exitCode === 0 && SERVICE_NAMES.every((name) => running.includes(name));
}

async function untilTheyAnswer(
  servers: ComposeServers,
  { namespace, timeoutMs }: { namespace: string; timeoutMs: number },
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      await Promise.all([probePostgresql(servers.ownerUrl), probePostgresql(servers.databaseUrl)]);
      await probeRedis(servers.redisUrl);
      await probeTemporal({ address: servers.temporalAddress, namespace, query: SEARCH_ATTRIBUTES_QUERY });
      return;
    } catch (error) {
      if (Date.now() > deadline) throw new ComposeSilent(Math.round(timeoutMs / 1000), error);
      await pause(200);
    }
  }
}
