import { hostname } from 'node:os';
import { IllegalStateError } from '@temporalio/common';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { v7 as uuid } from 'uuid';
import type { Log } from './activities/dependencies.ts';
import { createActivities } from './activities/index.ts';
import { shippedGraphs } from './agents/index.ts';
import { type Config, type Environment, loadConfig, setVariables } from './config.ts';
import { GraphCache } from './database/graph-cache.ts';
import { requireMigrations } from './database/migrate.ts';
import { openDatabase } from './database/open-orm.ts';
import { publishGraphs } from './database/publish-graphs.ts';
import type { Database } from './database/transaction.ts';
import { Dispatcher } from './dispatcher/dispatcher.ts';
import { Reconciler } from './dispatcher/reconciler.ts';
import { Relay } from './dispatcher/relay.ts';
import type { Handler } from './domain/agents/handler.ts';
import type { Graph } from './domain/graphs/define-graph.ts';
import { SYSTEM_TENANT } from './domain/ids.ts';
import { AgentHealthBoard } from './redis/agent-health.ts';
import { JobQueue } from './redis/job-queue.ts';
import { openRedis, type RedisConnections } from './redis/open-redis.ts';
import { WakeUps } from './redis/wake-ups.ts';
import { findConnections } from './services/index.ts';
import { connectWorker, type TemporalWorkerConnection } from './temporal/connect-worker.ts';
import { withTemporalProfile } from './temporal/profile.ts';
import { Closers } from './worker/closers.ts';
import { armFailpoints } from './worker/failpoints.ts';
import { collectHosted, type Hosted } from './worker/handlers.ts';
import { Heartbeats } from './worker/heartbeats.ts';
import { workflowBundlePath } from './worker/workflow-bundle.ts';

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

/** A worker that takes tasks. */
export interface RunningWorker {
  readonly workerId: string;
  readonly taskQueue: string;
  /** Stops taking tasks, lets running nodes end within the grace time, hands the rest over, closes everything. */
  stop(): Promise<void>;
  /** Ends when the worker has stopped; rejects when it stopped by itself, because of a fault. */
  readonly stopped: Promise<void>;
}

/** What one worker process has open. */
interface Opened {
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

/** How long after its claim a task may have no workflow, or a closed one, before the reconciler asks Temporal. */
const SUSPECT_AFTER_SECONDS = 20;
/** Heartbeats go to the server this often at most: a cancel reaches a node as fast, each costs the server a write. */
const HEARTBEAT_THROTTLE = '2s';
/** After the grace time a handler has this long to react to its signal. */
const FORCE_AFTER_GRACE_MS = 5_000;
/** Workflows kept in memory. Each open one holds about 0.5 MB. */
const MAX_CACHED_WORKFLOWS = 200;

/**
 * Starts a worker in this process: it is ready when the promise resolves. Everything that was opened is closed again
 * when a step fails.
 * @throws ConfigInvalid, TemporalProfileInvalid, ServiceNotRunning, PostgresqlUnreachable, MigrationsMissing,
 * MigrationRefused, TemporalUnreachable, NameTaken
 */
export async function startWorker(options: WorkerOptions = {}): Promise<RunningWorker> {
  const closers = new Closers();
  try {
    const opened = await open(options, closers);
    return await run(opened, closers);
  } catch (error) {
    await closers.closeAll().catch(() => undefined);
    throw error;
  }
}

/**
 * Runs a worker until SIGTERM or SIGINT. A second signal does not hurry it: what is under way ends or is handed over
 * within `MUSTER_SHUTDOWN_GRACE_SECONDS`.
 *
 * @example
 * await runWorker({ graphs: [greeting] });
 */
export async function runWorker(options: WorkerOptions = {}): Promise<void> {
  const worker = await startWorker(options);
  const stop = () => void worker.stop().catch(() => undefined);
  process.on('SIGTERM', stop).on('SIGINT', stop);
  try {
    await worker.stopped;
  } finally {
    process.off('SIGTERM', stop).off('SIGINT', stop);
  }
}

async function open(options: WorkerOptions, closers: Closers): Promise<Opened> {
  const config = loadConfig(options.environment);
  const taskQueue = options.taskQueue ?? config.taskQueue;
  const workerId = `${hostname()}-${process.pid}-${uuid().slice(-6)}`;
  const log = options.log ?? pino({ name: 'muster', level: config.logLevel, base: { workerId } }, pino.destination(2));
  // A task queue of one's own is for one's own graphs: the shipped ones stay where every worker finds them.
  const graphs = [...(taskQueue === config.taskQueue ? shippedGraphs : []), ...(options.graphs ?? [])];
  const hosted = collectHosted([...(options.agents ?? []), ...(options.tools ?? [])], graphs);
  const services = withTemporalProfile(config.services, setVariables(options.environment));
  const connections = await findConnections(services);
  const bundling = workflowBundlePath();
  bundling.catch(() => undefined);

  const database = closers.add(
    openDatabase({
      url: connections.databaseUrl,
      poolSize: config.databasePool,
      applicationName: `muster ${workerId}`,
    }),
    (opened) => opened.close(),
  );
  await database.ping();
  await requireMigrations({ databaseUrl: connections.databaseUrl });
  const redis = closers.add(await openRedis({ url: connections.redisUrl, prefix: config.redisPrefix, log }), (opened) =>
    opened.close(),
  );
  const definitions = [...hosted.graphs.values()].map((graph) => graph.definition);
  await publishGraphs(database, { tenant: SYSTEM_TENANT, taskQueue, definitions });
  quietRuntime(log);
  const target = {
    address: connections.temporalAddress,
    namespace: services.temporalNamespace,
    connectionOptions: connections.temporalConnectionOptions,
  };
  const temporal = closers.add(await connectWorker(target), (opened) => opened.close());
  await bundling;
  return { config, taskQueue, workerId, hosted, log, database, redis, temporal, graphs: new GraphCache(database) };
}

async function run(opened: Opened, closers: Closers): Promise<RunningWorker> {
  const { database, redis, temporal, log, workerId, taskQueue, hosted, graphs } = opened;
  const { client } = temporal;
  const queueFor = (name: string) => new JobQueue(redis, { taskQueue: name });
  const queue = queueFor(taskQueue);
  const wakeUps = new WakeUps(redis, { taskQueue });
  const reach = armFailpoints(opened.config.failpoints);
  const claimant = { workerId, taskQueue, handlers: [...hosted.handlers.keys()] };
  const capacity = opened.config.maxConcurrentTasks;
  const dispatcher = new Dispatcher({ database, graphs, queue, client, claimant, capacity, reach, log });
  const relay = new Relay({ database, client, queueFor, wakeUps, log });

  const heartbeats = new Heartbeats({
    database,
    board: new AgentHealthBoard(redis),
    workerId,
    handlers: hosted.handlers.values(),
    log,
  });
  await heartbeats.open();
  closers.add(heartbeats, (part) => part.close());
  const worker = await createTemporalWorker(opened, {
    database,
    graphs,
    handlers: hosted.handlers,
    reach,
    log,
    taskEnded: (execution) => {
      dispatcher.taskEnded(execution.taskId);
      relay.taskEnded(execution);
    },
  });
  const running = worker.run();
  closers.add(worker, async () => {
    if (worker.getState() === 'RUNNING') worker.shutdown();
    await running;
  });
  const reconciler = new Reconciler({
    database,
    graphs,
    client,
    queue,
    taskQueue,
    suspectAfterSeconds: SUSPECT_AFTER_SECONDS,
    log,
  });
  for (const part of [relay, reconciler, dispatcher]) {
    part.start();
    closers.add(part, () => part.stop());
  }
  closers.add(
    wakeUps.onJob(() => dispatcher.hint()),
    async (stop) => stop(),
  );
  log.info({ taskQueue, graphs: [...hosted.graphs.keys()] }, 'the worker is ready');
  return supervise(opened, running, closers);
}

/** Stops on request; and stops, with the fault, when Temporal's worker ends by itself. */
function supervise({ workerId, taskQueue, log }: Opened, running: Promise<void>, closers: Closers): RunningWorker {
  let stopping: Promise<void> | null = null;
  const stop = () => {
    stopping ??= closers.closeAll().then(() => log.info({}, 'the worker has stopped'));
    return stopping;
  };
  const stopped = running.then(stop, async (error: unknown) => {
    await stop().catch(() => undefined);
    throw error;
  });
  stopped.catch(() => undefined);
  return { workerId, taskQueue, stop, stopped };
}

async function createTemporalWorker(opened: Opened, deps: Parameters<typeof createActivities>[0]): Promise<Worker> {
  const { config, temporal, taskQueue, workerId } = opened;
  return Worker.create({
    connection: temporal.connection,
    namespace: temporal.namespace,
    taskQueue,
    identity: workerId,
    workflowBundle: { codePath: await workflowBundlePath() },
    activities: createActivities(deps),
    maxConcurrentActivityTaskExecutions: config.maxConcurrentNodes,
    maxCachedWorkflows: MAX_CACHED_WORKFLOWS,
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    defaultHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    shutdownGraceTime: config.shutdownGraceMs,
    shutdownForceTime: config.shutdownGraceMs + FORCE_AFTER_GRACE_MS,
  });
}

/**
 * One runtime serves a process. Muster closes in its own order, so the runtime must not react to signals itself. A
 * program that installed one before keeps it, with its signals and its log.
 */
let runtimeIsQuiet = false;
function quietRuntime(log: Log): void {
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
