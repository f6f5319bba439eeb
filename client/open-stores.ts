import { pino } from 'pino';
import { type Config, type Environment, loadConfig, setVariables } from '../config.ts';
import { openDatabase } from '../database/open-orm.ts';
import type { Database, Transaction } from '../database/transaction.ts';
import { isTenantId, type TenantId } from '../domain/ids.ts';
import { waitAtMost } from '../domain/wait-at-most.ts';
import { JobQueue } from '../redis/job-queue.ts';
import { openRedis, type RedisConnections } from '../redis/open-redis.ts';
import { WakeUps } from '../redis/wake-ups.ts';
import { findConnections } from '../servers/find/find-connections.ts';
import type { Connections } from '../servers/services.ts';
import { connectClient, type TemporalClient } from '../temporal/connect.ts';
import { withTemporalProfile } from '../temporal/profile.ts';
import { InputInvalid } from './client-errors.ts';
import { Limits } from './limits.ts';
import { Messages } from './messages.ts';

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

/** How long closing waits for a Temporal that does not answer. */
const CLOSE_TEMPORAL_MS = 300;

/** The stores of one client. */
export interface ClientStores {
  readonly config: Config;
  readonly connections: Connections;
  readonly tenant: TenantId;
  readonly database: Database;
  readonly inTenant: <Result>(work: (tx: Transaction) => Promise<Result>) => Promise<Result>;
  /** The same for exactly one statement. */
  readonly singleInTenant: ClientStores['inTenant'];
  readonly queueFor: (taskQueue: string) => JobQueue;
  readonly wakeUps: WakeUps;
  readonly limits: Limits;
  readonly messages: Messages;
  readonly redis: RedisConnections;
  /** Connected at the first use. @throws TemporalUnreachable */
  readonly temporal: () => Promise<TemporalClient>;
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

/** A client is silent: what a program has to know it is told by a result or an error. */
function openClientRedis(config: Config, connections: Connections): Promise<RedisConnections> {
  return openRedis({ url: connections.redisUrl, prefix: config.redisPrefix, log: pino({ level: 'silent' }) });
}

function assemble(
  opened: Pick<ClientStores, 'config' | 'connections' | 'tenant' | 'database'> & { redis: RedisConnections },
): ClientStores {
  const { config, connections, tenant, database, redis } = opened;
  const messages = new Messages({ tenant, database, redis, maxHops: config.maxMessageHops });
  let temporal: Promise<TemporalClient> | null = null;
  const connectTemporal = () => {
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
    config,
    connections,
    tenant,
    database,
    inTenant: (work) => database.inTenant(tenant, work),
    singleInTenant: (work) => database.single.inTenant(tenant, work),
    queueFor: (taskQueue) => new JobQueue(redis, { taskQueue }),
    wakeUps: new WakeUps(redis, { taskQueue: config.taskQueue }),
    limits: new Limits({ tenant, database, redis }),
    messages,
    redis,
    temporal: connectTemporal,
    close: async () => {
      // Whoever cannot say goodbye is missed soon enough.
      await messages.close().catch(() => undefined);
      // A connection that is still being made closes as soon as it stands, or is given up by itself.
      if (temporal !== null)
        await waitAtMost(
          CLOSE_TEMPORAL_MS,
          temporal.then((client) => client.close()),
        );
      await redis.close();
      await database.close();
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
