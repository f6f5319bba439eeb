import { hostname } from 'node:os';
import { pino } from 'pino';
import { v7 as uuid } from 'uuid';
import type { Log } from '../../activities/dependencies.ts';
import { shippedGraphs } from '../../agents/index.ts';
import { type Config, type Environment, setVariables } from '../../config.ts';
import { requireMigrations } from '../../database/migrate.ts';
import { openDatabase } from '../../database/open-orm.ts';
import type { Database } from '../../database/transaction.ts';
import type { Handler } from '../../domain/agents/handler.ts';
import type { Graph } from '../../domain/graphs/defined-graph.ts';
import { GraphCache } from '../../operations/graphs/graph-cache.ts';
import { openRedis, type RedisConnections } from '../../redis/open-redis.ts';
import { findConnections } from '../../servers/find/find-connections.ts';
import { StateFolder } from '../../servers/find/state-folder.ts';
import { watchLogs } from '../../servers/start/logs.ts';
import { connectWorker, type TemporalWorkerConnection } from '../../temporal/connect-worker.ts';
import { withTemporalProfile } from '../../temporal/profile.ts';
import { workflowBundlePath } from '../bundle/workflow-bundle.ts';
import type { Closers } from './closers.ts';
import { collectHosted, type Hosted } from './collect-hosted.ts';
import { quietRuntime } from './quiet-runtime.ts';
import { requireNoEviction } from './require-no-eviction.ts';

/** What a worker carries out, and where its services are. */
export interface WorkerOptions {
  /** Handlers that no graph below brings along by itself. */
  readonly agents?: readonly Handler[];
  readonly tools?: readonly Handler[];
  /** Published at the start, for every tenant to use. On the default task queue the graphs that ship are hosted too. */
  readonly graphs?: readonly Graph[];
  /** Workers of one task queue must host the same graphs. @defaultValue `MUSTER_TASK_QUEUE`, or `muster` */
  readonly taskQueue?: string;
  /** Read instead of the process's environment. */
  readonly environment?: Environment;
  /** @defaultValue JSON lines on standard error, from `MUSTER_LOG_LEVEL` on */
  readonly log?: Log;
}

/** What one worker process has open. */
export interface Opened {
  readonly config: Config;
  readonly taskQueue: string;
  readonly workerId: string;
  readonly hosted: Hosted;
  readonly log: Log;
  readonly database: Database;
  readonly redis: RedisConnections;
  readonly temporal: TemporalWorkerConnection;
  readonly graphs: GraphCache;
}

/** Opens the stores and connects to Temporal. */
export async function openWorker(
  { config, ...options }: WorkerOptions & { readonly config: Config },
  closers: Closers,
): Promise<Opened> {
  const taskQueue = options.taskQueue ?? config.taskQueue;
  const workerId = `${hostname()}-${process.pid}-${uuid().slice(-6)}`;
  const log = options.log ?? pino({ name: 'muster', level: config.logLevel, base: { workerId } }, pino.destination(2));
  // A task queue of one's own is for one's own graphs: the shipped ones stay where every worker finds them.
  const graphs = [...(taskQueue === config.taskQueue ? shippedGraphs : []), ...(options.graphs ?? [])];
  const hosted = collectHosted([...(options.agents ?? []), ...(options.tools ?? [])], graphs);
  const services = withTemporalProfile(config.services, setVariables(options.environment));
  const connections = await findConnections(services);
  closers.add('log rotation', watchLogs(new StateFolder(services.stateDir)), async (stop) => stop());
  const bundling = workflowBundlePath();
  bundling.catch(() => undefined);

  const database = closers.add(
    'PostgreSQL',
    openDatabase({
      url: connections.databaseUrl,
      poolSize: config.databasePool,
      applicationName: `muster ${workerId}`,
    }),
    (opened) => opened.close(),
  );
  await database.ping();
  await requireMigrations({ databaseUrl: connections.databaseUrl });
  const redis = closers.add(
    'Redis',
    await openRedis({ url: connections.redisUrl, prefix: config.redisPrefix, log }),
    (opened) => opened.close(),
  );
  await requireNoEviction(redis, config.redisAllowEviction);
  quietRuntime(log);
  const target = {
    address: connections.temporalAddress,
    namespace: services.temporalNamespace,
    connectionOptions: connections.temporalConnectionOptions,
  };
  const temporal = closers.add('Temporal', await connectWorker(target), (opened) => opened.close());
  await bundling;
  return { config, taskQueue, workerId, hosted, log, database, redis, temporal, graphs: new GraphCache(database) };
}
