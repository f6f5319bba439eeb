import { LRUCache } from 'lru-cache';
import { pino } from 'pino';
import { type Config, type Environment, loadConfig, setVariables } from '../config.ts';
import { openDatabase } from '../database/open-orm.ts';
import type { Database } from '../database/transaction.ts';
import { isTenantId, type TenantId } from '../domain/ids.ts';
import { waitAtMost } from '../domain/wait-at-most.ts';
import { permissionOf } from '../operations/as-tool.ts';
import { GraphCache } from '../operations/graphs/graph-cache.ts';
import { LimitSettingsSource } from '../operations/limits/limit-settings-source.ts';
import { InputInvalid } from '../operations/operation-errors.ts';
import { rateLimitsOf } from '../operations/rate-limits.ts';
import type { Stores } from '../operations/stores.ts';
import { submitters } from '../operations/tasks/submitter.ts';
import { JobQueue } from '../redis/job-queue.ts';
import { GuardedRedis } from '../redis/limits/guarded-redis.ts';
import { OnceKeys } from '../redis/limits/once.ts';
import { ProcessSlots } from '../redis/limits/process-slots.ts';
import { RateLimiter } from '../redis/limits/rate-limiter.ts';
import { openRedis, type RedisConnections } from '../redis/open-redis.ts';
import { WakeUps } from '../redis/wake-ups.ts';
import { findConnections } from '../servers/find/find-connections.ts';
import type { Connections } from '../servers/services.ts';
import { connectClient, type TemporalClient } from '../temporal/connect.ts';
import { withTemporalProfile } from '../temporal/profile.ts';
import { ProgramVoices } from './program-voice.ts';
import { readDocument } from './read-document.ts';
import { taskWorkflows } from './task-workflows.ts';

/**
 * Where to connect to. What is left out comes from the environment, then from the active profile of `temporal.toml`, then
 * from what `muster up` started.
 */
export interface OpenClientOptions {
  /** Default: `MUSTER_TENANT`, or `default`. Made known by its first submit. */
  readonly tenant?: string;
  readonly databaseUrl?: string;
  readonly redisUrl?: string;
  readonly temporalAddress?: string;
  readonly temporalNamespace?: string;
  /** Read instead of the process's environment. */
  readonly environment?: Environment;
}

/** How long Temporal may take to say that it is there. */
const PING_TEMPORAL_MS = 5_000;
/** How long closing waits for a Temporal that does not answer. */
const CLOSE_TEMPORAL_MS = 300;
/** Tenants whose slots are counted by this program while Redis is unavailable. */
const MAX_TENANTS = 1_000;

/** The stores of one client: what its operations work on, and what the client itself holds open. */
export interface ClientStores extends Stores {
  readonly tenant: TenantId;
  readonly wakeUps: WakeUps;
  readonly redis: RedisConnections;
  /** How many messages a chain of them may have. */
  readonly maxHops: number;
  close(): Promise<void>;
}

export async function openClientStores(options: OpenClientOptions): Promise<ClientStores> {
  const config = configOf(options);
  const tenant = options.tenant ?? config.tenant;
  if (!isTenantId(tenant)) {
    throw new InputInvalid(`the tenant "${tenant}" must be 1 to 64 letters, digits, dots, underscores or hyphens.`);
  }
  const connections = await findConnections(config.services);
  const database = openDatabase({
    url: connections.databaseUrl,
    poolSize: config.databasePool,
    applicationName: `muster client ${process.pid}`,
  });
  await database.ping().catch(async (error: unknown) => {
    await database.close();
    throw error;
  });
  const redis = await openClientRedis(config, connections);
  return assemble({ config, connections, tenant, database, redis });
}

interface Opened {
  readonly config: Config;
  readonly connections: Connections;
  readonly tenant: TenantId;
  readonly database: Database;
  readonly redis: RedisConnections;
}

/** A client is silent: what a program has to know it is told by a result or an error. */
function openClientRedis(config: Config, connections: Connections): Promise<RedisConnections> {
  return openRedis({ url: connections.redisUrl, prefix: config.redisPrefix, log: pino({ level: 'silent' }) });
}

function assemble(opened: Opened): ClientStores {
  const { config, tenant, database, redis } = opened;
  const voices = new ProgramVoices({ database, redis, maxHops: config.maxMessageHops });
  const temporal = lazyTemporal(opened);
  const queueFor = (taskQueue: string) => new JobQueue(redis, { taskQueue });
  return {
    tenant,
    database,
    graphs: new GraphCache(database),
    defaultTaskQueue: config.taskQueue,
    queueFor,
    wakeUps: new WakeUps(redis, { taskQueue: config.taskQueue }),
    workflows: taskWorkflows(temporal.connect),
    permissionOf,
    ...limitsOf(opened),
    submitterOf: submitters({ database, queueFor, readDocument, maxInputBytes: config.maxInputBytes }),
    voiceOf: (of) => voices.of(of),
    pings: {
      postgresql: () => database.ping(),
      redis: () => redis.ask((commands) => commands.ping()),
      temporal: () => temporal.ping(),
    },
    redis,
    maxHops: config.maxMessageHops,
    close: async () => {
      // Whoever cannot say goodbye is missed soon enough.
      await voices.close().catch(() => undefined);
      await temporal.close();
      await redis.close();
      await database.close();
    },
  };
}

function limitsOf({ database, redis }: Opened): Pick<ClientStores, 'rateLimits' | 'onceKeys' | 'slotsOf'> {
  const source = new LimitSettingsSource({ database });
  const liveProcesses = () => source.liveProcesses();
  const guarded = new GuardedRedis(redis);
  const limiter = new RateLimiter({ redis, settings: () => source.current(), liveProcesses });
  const slots = new LRUCache<TenantId, ProcessSlots>({
    max: MAX_TENANTS,
    memoMethod: (tenant) => new ProcessSlots(guarded, { tenant, liveProcesses }),
  });
  return {
    rateLimits: rateLimitsOf(limiter, source),
    onceKeys: new OnceKeys(guarded),
    slotsOf: (tenant) => slots.memo(tenant),
  };
}

/** Temporal, connected when it is first needed. */
function lazyTemporal({ config, connections }: Opened) {
  let temporal: Promise<TemporalClient> | null = null;
  const connect = () => {
    temporal ??= connectClient({
      address: connections.temporalAddress,
      namespace: config.services.temporalNamespace,
      connectionOptions: connections.temporalConnectionOptions,
    });
    temporal.catch(() => {
      temporal = null;
    });
    return temporal;
  };
  return {
    /** @throws TemporalUnreachable */
    connect,
    /** Asks the server for an answer. @throws TemporalUnreachable */
    ping: async () => {
      const { client } = await connect();
      await client.withDeadline(Date.now() + PING_TEMPORAL_MS, () => client.workflowService.getSystemInfo({}));
    },
    /** A connection that is still being made closes as soon as it stands, or is given up by itself. */
    close: async () => {
      if (temporal === null) return;
      await waitAtMost(
        CLOSE_TEMPORAL_MS,
        temporal.then((client) => client.close()),
      );
    },
  };
}

function configOf(options: OpenClientOptions): Config {
  const config = loadConfig(options.environment);
  const services = {
    ...withTemporalProfile(config.services, setVariables(options.environment)),
    ...(options.databaseUrl === undefined ? {} : { databaseUrl: options.databaseUrl }),
    ...(options.redisUrl === undefined ? {} : { redisUrl: options.redisUrl }),
    ...(options.temporalAddress === undefined ? {} : { temporalAddress: options.temporalAddress }),
    ...(options.temporalNamespace === undefined ? {} : { temporalNamespace: options.temporalNamespace }),
  };
  return { ...config, services };
}
