import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  ensureRedisPassword,
  ownRedisUrl,
  postgresqlUrl,
  redisSecrets,
  secretsOf,
  temporalAddress,
} from '../find/own-addresses.ts';
import { cacheFolder, StateFolder } from '../find/state-folder.ts';
import type { InstallRules } from '../install/packages.ts';
import { findPostgresql, installPostgresql } from '../install/postgresql-program.ts';
import { findRedis, installRedis } from '../install/redis-program.ts';
import { bringInTemporal, findTemporal } from '../install/temporal-program.ts';
import { probePostgresql, probeRedis, probeTemporal } from '../probe/probes.ts';
import type { ServiceName, ServicesConfig } from '../services.ts';
import {
  type Durability,
  initializePostgresql,
  launchPostgresql,
  offersVector,
  preparePostgresql,
} from './postgresql.ts';
import type { LaunchedServer, LaunchPlan, ServiceProgram } from './processes.ts';
import { launchRedis } from './redis.ts';
import { keptData, postgresqlFolder, postgresqlUser } from './server-user.ts';
import { launchTemporal, SEARCH_ATTRIBUTES_QUERY } from './temporal.ts';

/** The parts of Muster's own servers: Muster's state folder, or a test's private one. */
export interface ServersContext extends InstallRules {
  folder: StateFolder;
  cacheFolder: string;
  durability: Durability;
  namespace: string;
}

/** The parts of Muster's own servers for this configuration. */
export function ownServersContext(config: ServicesConfig): ServersContext {
  return {
    folder: new StateFolder(config.stateDir),
    cacheFolder: cacheFolder(),
    durability: 'durable',
    noInstall: config.noInstall,
    allowUpgrade: config.allowUpgrade,
    namespace: config.temporalNamespace,
  };
}

export interface ServerPorts {
  port: number;
  /** Only Temporal has one. */
  uiPort: number | null;
}

export type Announce = (text: string) => void;

/** The steps that start one kind of server. Each may be repeated; each rejects with a sentence. */
export interface ServiceKind {
  readonly name: ServiceName;
  readonly usualPorts: ServerPorts;
  /** Shuts the server down cleanly. */
  readonly stopSignal: NodeJS.Signals;
  /** How long its first answer may take, recovery after a crash included. */
  readonly answerTimeoutMs: number;
  /** What a person can do if the program can be neither found nor installed. */
  readonly remedy: string;
  /** A program that can be started as it is, or `null`. */
  find(): Promise<ServiceProgram | null>;
  /** Installs what is missing for that. */
  install(announce: Announce): Promise<ServiceProgram>;
  plan(program: ServiceProgram, ports: ServerPorts): LaunchPlan;
  initialize(plan: LaunchPlan): Promise<void>;
  launch(plan: LaunchPlan, ports: ServerPorts): LaunchedServer;
  /** Has the running server do some real work. */
  answer(ports: ServerPorts): Promise<void>;
  /** Work that needs a running server, such as creating roles and extensions. */
  prepare(ports: ServerPorts): Promise<void>;
}

const nothingToDo = async (): Promise<void> => undefined;

/** The three kinds of server, all keeping their files in the context's folder. */
export function serviceKinds(context: ServersContext): Readonly<Record<ServiceName, ServiceKind>> {
  return { postgresql: postgresqlKind(context), redis: redisKind(context), temporal: temporalKind(context) };
}

function postgresqlKind({ folder, durability, noInstall, allowUpgrade }: ServersContext): ServiceKind {
  const superuserUrl = ({ port }: ServerPorts) =>
    postgresqlUrl({ port, secrets: secretsOf(folder) }, 'superuser', 'postgres');
  return {
    name: 'postgresql',
    usualPorts: { port: 5432, uiPort: null },
    // SIGINT is the fast shutdown, which ends open sessions instead of waiting for them.
    stopSignal: 'SIGINT',
    answerTimeoutMs: 120_000,
    remedy: 'Install PostgreSQL 15 or newer with pgvector, or set MUSTER_DATABASE_URL to a server of your own.',
    find: () => findPostgresql(keptData(folder.path)),
    install: (announce) => installPostgresql(keptData(folder.path), { noInstall, allowUpgrade, announce }),
    plan(program, { port }) {
      const user = postgresqlUser();
      const dataFolder = join(postgresqlFolder(folder.path, user), 'data');
      return { program, port, logPath: folder.logPath('postgresql'), dataFolder, user };
    },
    initialize: (plan) => initializePostgresql(plan, { secrets: secretsOf(folder), durability }),
    launch: (plan) => launchPostgresql(plan, durability),
    answer: async (ports) => void (await probePostgresql(superuserUrl(ports))),
    async prepare(ports) {
      if (!(await offersVector(superuserUrl(ports)))) throw new Error('it runs, but its installation has no pgvector.');
      await preparePostgresql(ports.port, secretsOf(folder));
    },
  };
}

function redisKind({ folder, noInstall, allowUpgrade }: ServersContext): ServiceKind {
  return {
    name: 'redis',
    usualPorts: { port: 6379, uiPort: null },
    stopSignal: 'SIGTERM',
    answerTimeoutMs: 20_000,
    remedy: 'Install Redis 7 or newer, or set MUSTER_REDIS_URL to a server of your own.',
    find: findRedis,
    install: (announce) => installRedis({ noInstall, allowUpgrade, announce }),
    plan: (program, { port }) => simplePlan(folder, 'redis', { program, port }),
    initialize: nothingToDo,
    launch: (plan) => launchRedis(plan, ensureRedisPassword(redisSecrets(folder))),
    answer: async ({ port }) => void (await probeRedis(ownRedisUrl(folder, port))),
    prepare: nothingToDo,
  };
}

function temporalKind({ folder, cacheFolder, namespace }: ServersContext): ServiceKind {
  return {
    name: 'temporal',
    usualPorts: { port: 7233, uiPort: 8233 },
    stopSignal: 'SIGTERM',
    answerTimeoutMs: 60_000,
    remedy:
      'Install the Temporal command line, or Go 1.26 to build it, or set TEMPORAL_ADDRESS to a server of your own.',
    find: () => findTemporal(cacheFolder),
    install: (announce) => bringInTemporal(cacheFolder, announce),
    plan: (program, { port }) => simplePlan(folder, 'temporal', { program, port }),
    initialize: nothingToDo,
    launch: (plan, { uiPort }) => launchTemporal(plan, { uiPort: uiPort ?? 0, namespace }),
    // The query is valid only once the search attributes are registered.
    answer: async ({ port }) =>
      void (await probeTemporal({ address: temporalAddress(port), namespace, query: SEARCH_ATTRIBUTES_QUERY })),
    prepare: nothingToDo,
  };
}

function simplePlan(
  folder: StateFolder,
  service: ServiceName,
  { program, port }: { program: ServiceProgram; port: number },
): LaunchPlan {
  const dataFolder = folder.file(service);
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  return { program, port, logPath: folder.logPath(service), dataFolder, user: null };
}
