import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ownRedisUrl,
  postgresqlUrl,
  secretsOf,
  temporalAddress,
  temporalUiUrl,
} from '../../servers/find/own-addresses.ts';
import { cacheFolder, StateFolder } from '../../servers/find/state-folder.ts';
import { SERVICE_NAMES, type ServiceName } from '../../servers/services.ts';
import { createVectorExtension } from '../../servers/start/postgresql.ts';
import { type ServersContext, serviceKinds } from '../../servers/start/server-kinds.ts';
import { startKeeper } from './keeper.ts';
import { ManagedServer } from './managed-server.ts';

export { type ClonedDatabase, cloneDatabase } from './databases.ts';
export type { ManagedServer } from './managed-server.ts';

/** Addresses of the servers of one stack; those that it was started without are empty strings. */
export interface Stack {
  /** Where its files are; removed with it. */
  folder: string;
  /** The empty database `muster` as the application's role. Tests take a clone instead: `cloneDatabase`. */
  databaseUrl: string;
  ownerUrl: string;
  /** Superuser, in the database `postgres`. */
  superuserUrl: string;
  redisUrl: string;
  temporalAddress: string;
  temporalUiUrl: string;
  temporalNamespace: string;
}

/** A stack whose servers a test may end and start again. */
export interface PrivateStack extends Stack {
  postgres: ManagedServer;
  redis: ManagedServer;
  temporal: ManagedServer;
  /** Ends the servers and removes their files. */
  close(): Promise<void>;
}

export interface PrivateStackOptions {
  /** The services to start. @defaultValue all three */
  only?: readonly ServiceName[];
  /** Told what is being installed, if anything. */
  announce?: (text: string) => void;
}

/** Variable in which the run's stack is handed to every test file and child process. */
const STACK_VARIABLE = 'MUSTER_TEST_STACK';

let lazyStack: Promise<Stack> | null = null;

/**
 * The run's own servers: those that the run's set-up started, or, where a test file is run alone, servers that end with
 * this process. Tests share them and keep apart by `cloneDatabase`, `redisPrefix` and `taskQueueName`.
 */
export function sharedStack(): Promise<Stack> {
  const given = process.env[STACK_VARIABLE];
  if (given !== undefined) {
    const stack: Stack = JSON.parse(given);
    return Promise.resolve(stack);
  }
  lazyStack ??= startPrivateStack();
  return lazyStack;
}

/** Hands a stack to the test files of this process and of its children. */
export function shareStack(stack: Stack): void {
  const { folder, databaseUrl, ownerUrl, superuserUrl } = stack;
  const { redisUrl, temporalAddress, temporalUiUrl, temporalNamespace } = stack;
  process.env[STACK_VARIABLE] = JSON.stringify({
    ...{ folder, databaseUrl, ownerUrl, superuserUrl },
    ...{ redisUrl, temporalAddress, temporalUiUrl, temporalNamespace },
  });
}

/** A key prefix of its own for one test; shared Redis servers are never flushed. */
export function redisPrefix(title = 'test'): string {
  return `${slug(title)}-${randomUUID().slice(0, 8)}`;
}

/** A task-queue name of its own for one test. */
export function taskQueueName(title = 'test'): string {
  return `${slug(title)}-${randomUUID().slice(0, 8)}`;
}

/** Installs the servers that are missing, once, so that stacks which start at the same time do not. */
export async function bringInServers(announce: (text: string) => void): Promise<void> {
  const kinds = serviceKinds(privateContext(new StateFolder(join(tmpdir(), 'muster-stack'))));
  for (const name of SERVICE_NAMES) if ((await kinds[name].find()) === null) await kinds[name].install(announce);
}

/**
 * Starts servers on free ports with files in a new temporary folder. They end with `close`, and by themselves when this
 * process is gone. Asking for a server that was not started throws.
 */
export async function startPrivateStack(options: PrivateStackOptions = {}): Promise<PrivateStack> {
  const folder = mkdtempSync(join(tmpdir(), 'muster-stack-'));
  // PostgreSQL runs as another user where the tests run as root, and must pass through.
  chmodSync(folder, 0o711);
  const release = startKeeper(folder);
  try {
    return await startServers(folder, options, release);
  } catch (error) {
    release();
    throw error;
  }
}

async function startServers(folder: string, options: PrivateStackOptions, release: () => void): Promise<PrivateStack> {
  const { only = SERVICE_NAMES, announce = () => undefined } = options;
  const state = new StateFolder(folder);
  state.create();
  const context = privateContext(state);
  const kinds = serviceKinds(context);
  const started = await Promise.all(
    only.map((name) => ManagedServer.create(kinds[name], { pidFile: join(folder, `${name}.pid`), announce })),
  );
  const servers = new Map(only.map((name, index) => [name, started[index]]));
  const server = (name: ServiceName): ManagedServer => {
    const found = servers.get(name);
    if (found === undefined) throw new Error(`This stack was started without ${name}.`);
    return found;
  };
  const addresses = await stackAddresses(state, servers, context);
  return {
    ...addresses,
    get postgres() {
      return server('postgresql');
    },
    get redis() {
      return server('redis');
    },
    get temporal() {
      return server('temporal');
    },
    async close() {
      await Promise.all(started.map((one) => one.close()));
      rmSync(folder, { recursive: true, force: true });
      release();
    },
  };
}

/** Test data need not survive a power cut, so PostgreSQL may be quick about its disk. */
function privateContext(folder: StateFolder): ServersContext {
  return {
    folder,
    cacheFolder: cacheFolder(),
    durability: 'fast',
    noInstall: process.env.MUSTER_NO_INSTALL === '1',
    allowUpgrade: false,
    namespace: 'default',
  };
}

async function stackAddresses(
  state: StateFolder,
  servers: ReadonlyMap<ServiceName, ManagedServer | undefined>,
  context: ServersContext,
): Promise<Stack> {
  const [postgres, redis, temporal] = SERVICE_NAMES.map((name) => servers.get(name));
  const database = postgres === undefined ? null : { port: postgres.port, secrets: secretsOf(state) };
  // The creator of a database here is not a superuser, and only a superuser may create the extension.
  if (database !== null) await createVectorExtension(postgresqlUrl(database, 'superuser', 'template1'));
  return {
    folder: state.path,
    databaseUrl: database === null ? '' : postgresqlUrl(database, 'application'),
    ownerUrl: database === null ? '' : postgresqlUrl(database, 'owner'),
    superuserUrl: database === null ? '' : postgresqlUrl(database, 'superuser', 'postgres'),
    redisUrl: redis === undefined ? '' : ownRedisUrl(state, redis.port),
    temporalAddress: temporal === undefined ? '' : temporalAddress(temporal.port),
    temporalUiUrl: temporal === undefined ? '' : temporalUiUrl(temporal.uiPort ?? 0),
    temporalNamespace: context.namespace,
  };
}

function slug(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40);
}
