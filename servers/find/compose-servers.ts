import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { findProgram, runCommand } from '../install/commands.ts';
import { probePostgresql, probeRedis, probeTemporal } from '../probe/probes.ts';
import { ComposeSilent } from '../server-errors.ts';
import { type Report, SERVICE_NAMES, type ServicesConfig } from '../services.ts';
import { SEARCH_ATTRIBUTES_QUERY } from '../start/temporal.ts';
import { aliveRecord } from './own-servers.ts';
import { projectFolder } from './project.ts';
import { removeWhole, type StateFolder, writeAtomically } from './state-folder.ts';

const composeServers = z.object({
  databaseUrl: z.string(),
  ownerUrl: z.string(),
  redisUrl: z.string(),
  temporalAddress: z.string(),
  temporalUiUrl: z.string(),
});

/** Addresses and logins of three servers that belong together. */
export type ComposeServers = z.infer<typeof composeServers>;

/** Those of `compose.yaml`. The passwords protect nothing. */
export const COMPOSE_SERVERS: ComposeServers = {
  databaseUrl: 'postgres://muster:muster@127.0.0.1:5432/muster',
  ownerUrl: 'postgres://muster_owner:muster@127.0.0.1:5432/muster',
  redisUrl: 'redis://:muster@127.0.0.1:6379',
  temporalAddress: '127.0.0.1:7233',
  temporalUiUrl: 'http://127.0.0.1:8233',
};

/**
 * The configuration with the servers of `compose.yaml` in it, where this project has taken them and nothing else is
 * configured. Everything else then treats them as servers of the user's own.
 */
export function withCompose(config: ServicesConfig, folder: StateFolder): ServicesConfig {
  if (!isEmpty(config)) return config;
  const taken = readTaken(folder);
  return taken === null ? config : { ...config, ...taken, compose: true };
}

export interface TakeOptions {
  folder: StateFolder;
  report: Report;
  /** The file whose containers are asked for. */
  file?: string;
  /** Where they answer. */
  servers?: ComposeServers;
  /** How long they may take for it. @defaultValue 60000 */
  timeoutMs?: number;
}

/**
 * Takes the containers of `compose.yaml` where nothing is configured, no server of Muster's own runs, and Docker says
 * that all three run; the project keeps to them from then on, because its data are there. Servers on the usual ports
 * that Docker does not know are never asked: anybody on the machine could have put them there. Throws ComposeSilent.
 */
export async function takeCompose(config: ServicesConfig, options: TakeOptions): Promise<void> {
  const { folder, report, file = join(projectFolder(), 'compose.yaml'), servers = COMPOSE_SERVERS } = options;
  const runsOwn = SERVICE_NAMES.some((name) => aliveRecord(folder, name) !== null);
  if (!isEmpty(config) || runsOwn || readTaken(folder) !== null || !(await containersRun(file))) return;
  report({ service: null, text: `taking the containers of ${file}; \`muster down\` leaves them` });
  await untilTheyAnswer(servers, { namespace: config.temporalNamespace, timeoutMs: options.timeoutMs ?? 60_000 });
  writeAtomically(takenFile(folder), JSON.stringify(servers));
}

async function containersRun(file: string): Promise<boolean> {
  const docker = existsSync(file) ? await findProgram('docker') : null;
  if (docker === null) return false;
  const args = ['compose', '--file', file, 'ps', '--services', '--status', 'running'];
  const { exitCode, output } = await runCommand(docker, args, { timeoutMs: 10_000 });
  const running = output.split('\n').map((line) => line.trim());
  return exitCode === 0 && SERVICE_NAMES.every((name) => running.includes(name));
}

/** Leaves them: the next set-up looks anew. */
export function leaveCompose(folder: StateFolder): void {
  removeWhole(takenFile(folder));
}

function isEmpty({ databaseUrl, redisUrl, temporalAddress }: ServicesConfig): boolean {
  return databaseUrl === null && redisUrl === null && temporalAddress === null;
}

function readTaken(folder: StateFolder): ComposeServers | null {
  try {
    return composeServers.parse(JSON.parse(readFileSync(takenFile(folder), 'utf8')));
  } catch {
    return null;
  }
}

function takenFile(folder: StateFolder): string {
  return folder.file('compose.json');
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
