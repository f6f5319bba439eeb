import { hostname } from 'node:os';
import { IllegalStateError } from '@temporalio/common';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { pino } from 'pino';
import { v7 as uuid } from 'uuid';
import type { Log } from '../../activities/dependencies.ts';
import { shippedGraphs } from '../../agents/index.ts';
import { type Config, type Environment, setVariables } from '../../config.ts';
import { requireMigrations } from '../../database/migrate.ts';
import { openDatabase } from '../../database/open-orm.ts';
import { SecretBox } from '../../database/secret-box.ts';
import type { Database } from '../../database/transaction.ts';
import type { Handler } from '../../domain/agents/handler.ts';
import { MusterError } from '../../domain/errors.ts';
import type { Graph } from '../../domain/graphs/defined-graph.ts';
import { GraphCache } from '../../operations/graphs/graph-cache.ts';
import { type KeysFor, keyFinder } from '../../operations/models/find-key.ts';
import type { ModelCaller } from '../../providers/model-caller.ts';
import { ModelHealthBoard } from '../../redis/model-health-board.ts';
import { openRedis, type RedisConnections } from '../../redis/open-redis.ts';
import { findConnections } from '../../servers/find/find-connections.ts';
import { StateFolder } from '../../servers/find/state-folder.ts';
import { watchLogs } from '../../servers/start/logs.ts';
import { connectWorker, type TemporalWorkerConnection } from '../../temporal/connect-worker.ts';
import { withTemporalProfile } from '../../temporal/profile.ts';
import type { ToolSources } from '../../tool-sources/tool-sources.ts';
import { workflowBundlePath } from '../bundle/workflow-bundle.ts';
import type { Closers } from './closers.ts';
import { collectHosted, type Hosted, offersOf } from './collect-hosted.ts';
import { hostKeyOf, openModels, readModelSettings } from './open-models.ts';
import { openTools } from './open-tools.ts';

/** The handlers and graphs of a worker, and its services. */
export interface WorkerOptions {
  /** Handlers that none of the graphs below contains. */
  readonly agents?: readonly Handler[];
  readonly tools?: readonly Handler[];
  /** Published at the start for every tenant. The default task queue also hosts the graphs that ship with Muster. */
  readonly graphs?: readonly Graph[];
  /** Workers of one task queue must host the same graphs. @defaultValue `MUSTER_TASK_QUEUE`, or `muster` */
  readonly taskQueue?: string;
  /** Read instead of the process's environment. */
  readonly environment?: Environment;
  /** @defaultValue JSON lines on standard error, from `MUSTER_LOG_LEVEL` on */
  readonly log?: Log;
}

/** The open resources of one worker process. */
export interface Opened {
  readonly config: Config;
  readonly taskQueue: string;
  readonly workerId: string;
  readonly hosted: Hosted;
  /** What nodes may ask of it, as `kind:name`. */
  readonly offers: readonly string[];
  readonly log: Log;
  readonly database: Database;
  readonly redis: RedisConnections;
  readonly temporal: TemporalWorkerConnection;
  readonly graphs: GraphCache;
  /** Calls models; null where the installation has none. */
  readonly models: ModelCaller | null;
  readonly keysFor: KeysFor;
  /** The sources of tools; null where no agent of this worker names one. */
  readonly sources: ToolSources | null;
}

/** Opens the stores and connects to Temporal. */
export async function openWorker(
  { config, ...options }: WorkerOptions & { readonly config: Config },
  closers: Closers,
): Promise<Opened> {
  const taskQueue = options.taskQueue ?? config.taskQueue;
  const workerId = `${hostname()}-${process.pid}-${uuid().slice(-6)}`;
  const log = options.log ?? pino({ name: 'muster', level: config.logLevel, base: { workerId } }, pino.destination(2));
  // A separate task queue is for the caller's graphs: the shipped ones stay where every worker finds them.
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
  const modelSettings = await readModelSettings(config);
  const board = new ModelHealthBoard(redis);
  // A hint for people: a call does not wait for it, and does not fail with it.
  const models = await openModels(modelSettings, (changed) => void board.tell(changed).catch(() => undefined));
  const hostKey = hostKeyOf(modelSettings, setVariables(options.environment));
  const keysFor = keyFinder({ database, secrets: new SecretBox(config.secretKey), hostKey });
  const { environment } = options;
  const sources = await openTools(
    { config, database, hosted, log, workerId, ...(environment && { environment }) },
    closers,
  );
  await bundling;
  return {
    ...{ config, taskQueue, workerId, hosted, log, database, redis, temporal, models, keysFor, sources },
    ...{ offers: offersOf(hosted, models), graphs: new GraphCache(database) },
  };
}

let runtimeIsQuiet = false;

/**
 * Installs the one runtime of the process. Muster closes in its own order, so the runtime must not react to signals. A
 * runtime that the program has already installed stays, with its signals and its log.
 */
export function quietRuntime(log: Log): void {
  if (runtimeIsQuiet) return;
  runtimeIsQuiet = true;
  try {
    Runtime.install({
      shutdownSignals: [],
      logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
        log[level === 'ERROR' ? 'error' : 'warn']({ temporal: String(meta?.error ?? '') }, message);
      }),
      telemetryOptions: { logging: { filter: { core: 'ERROR', other: 'ERROR' }, forward: {} } },
    });
  } catch (error) {
    if (!(error instanceof IllegalStateError)) throw error;
    log.warn({}, "this process already has a Temporal runtime, which stays: it stops workers on the program's signals");
  }
}

/** Redis may evict keys when memory is short. Nothing was started. */
class RedisEvicts extends MusterError {
  readonly code = 'redis_evicts';
  constructor(address: string, policy: string, maxBytes: number) {
    super(
      `Redis at ${address} evicts keys (${policy}) once it holds ${maxBytes} bytes: waiting tasks would not start until ` +
        'they are found missing. Set its maxmemory-policy to noeviction, or MUSTER_REDIS_ALLOW_EVICTION=1.',
      { address, policy, maxBytes },
    );
  }
}

/**
 * Refuses a Redis with a memory limit and an eviction policy. A Redis that is unavailable, or does not say its policy,
 * is accepted: work continues without it.
 * @throws RedisEvicts
 */
async function requireNoEviction(redis: RedisConnections, isAllowed: boolean): Promise<void> {
  if (isAllowed) return;
  const memory = await redis.ask((commands) => commands.info('memory')).catch(() => '');
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? 'noeviction';
  const maxBytes = Number(/^maxmemory:(\d+)/m.exec(memory)?.[1] ?? 0);
  if (policy !== 'noeviction' && maxBytes > 0) throw new RedisEvicts(redis.address, policy, maxBytes);
}
