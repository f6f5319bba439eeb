import pTimeout from 'p-timeout';
import { pino } from 'pino';
import { type Config, type Environment, loadConfig, setVariables } from '../config.ts';
import { openDatabase } from '../database/open-orm.ts';
import type { Database } from '../database/transaction.ts';
import type { Handler } from '../domain/agents/handler.ts';
import { isTenantId, type TenantId } from '../domain/ids.ts';
import { requireNode } from '../domain/system/required-node.ts';
import { GraphCache } from '../operations/graphs/graph-cache.ts';
import { LimitSettingsSource, rateLimitsOf } from '../operations/limits/limit-settings-source.ts';
import { InputInvalid } from '../operations/operation-errors.ts';
import type { Stores } from '../operations/stores.ts';
import { RateLimiter } from '../redis/limits/rate-limiter.ts';
import { openRedis, type RedisConnections } from '../redis/open-redis.ts';
import type { WakeUps } from '../redis/wake-ups.ts';
import { findConnections } from '../servers/find/find-connections.ts';
import type { Connections } from '../servers/services.ts';
import { connectClient, type TemporalClient } from '../temporal/connect.ts';
import { withTemporalProfile } from '../temporal/profile.ts';
import { ProgramVoices } from './program-voice.ts';
import { readDocument } from './read-document.ts';
import { type StoreParts, storesOf } from './stores-of.ts';

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
  /** Agents whose code this program has: a replay judges their answers by it. @defaultValue none */
  readonly hosted?: readonly Handler[];
  /** Read instead of the process's environment. */
  readonly environment?: Environment;
}

/** How long closing waits for a Temporal that does not answer. */
const CLOSE_TEMPORAL_MS = 300;

/** The stores of one client: what its operations use, and what the client itself keeps open. */
export interface ClientStores extends Stores {
  readonly tenant: TenantId;
  readonly wakeUps: WakeUps;
  readonly redis: RedisConnections;
  /** How many messages a chain may have. */
  readonly maxHops: number;
  close(): Promise<void>;
}

export async function openClientStores(options: OpenClientOptions): Promise<ClientStores> {
  requireNode(process.versions.node);
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
  return assemble({ config, connections, tenant, database, redis, agents: options.hosted ?? [] });
}

interface Opened {
  readonly config: Config;
  readonly connections: Connections;
  readonly tenant: TenantId;
  readonly database: Database;
  readonly redis: RedisConnections;
  readonly agents: readonly Handler[];
}

/** A client logs nothing: results and errors tell a program all that it has to know. */
const log = pino({ level: 'silent' });

function openClientRedis(config: Config, connections: Connections): Promise<RedisConnections> {
  return openRedis({ url: connections.redisUrl, prefix: config.redisPrefix, log });
}

function assemble(opened: Opened): ClientStores {
  const { config, tenant, database, redis, agents } = opened;
  const { maxMessageHops: maxHops } = config;
  const voices = new ProgramVoices({ database, redis, maxHops });
  const temporal = lazyTemporal(opened);
  const stores = storesOf({
    ...{ config, database, log, redis, graphs: new GraphCache(database), temporal: temporal.connect, readDocument },
    ...limitsOf(opened),
    hosted: new Map(agents.map((agent) => [`${agent.kind}:${agent.name}`, agent])),
    voiceOf: (of) => voices.of(of),
  });
  return {
    ...{ ...stores, tenant, redis, maxHops },
    close: async () => {
      // A program that cannot say goodbye is soon missed.
      await voices.close().catch(() => undefined);
      await temporal.close();
      await redis.close();
      await database.close();
    },
  };
}

function limitsOf({ database, redis }: Opened): Pick<StoreParts, 'rateLimits' | 'liveProcesses'> {
  const source = new LimitSettingsSource({ database });
  const liveProcesses = () => source.liveProcesses();
  const limiter = new RateLimiter({ redis, settings: () => source.current(), liveProcesses });
  return { rateLimits: rateLimitsOf(limiter, source), liveProcesses };
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
    /** A connection that is still being opened closes as soon as it is open, or gives up by itself. */
    close: async () => {
      if (temporal === null) return;
      const closed = temporal.then((client) => client.close()).catch(() => undefined);
      await pTimeout(closed, { milliseconds: CLOSE_TEMPORAL_MS, message: false });
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
