import type { Log } from '../../activities/dependencies.ts';
import { voiceAs } from '../../client/program-voice.ts';
import { storesOf } from '../../client/stores-of.ts';
import { type Environment, loadConfig } from '../../config.ts';
import type { Handler } from '../../domain/agents/handler.ts';
import type { Graph } from '../../domain/graphs/defined-graph.ts';
import { SYSTEM_TENANT } from '../../domain/ids.ts';
import { requireNode } from '../../domain/system/required-node.ts';
import type { Messenger } from '../../messaging/messenger.ts';
import { withOperations } from '../../operations/as-tool.ts';
import { Spender } from '../../operations/budgets/spender.ts';
import { publishGraphs } from '../../operations/graphs/publish-graphs.ts';
import type { Stores } from '../../operations/stores.ts';
import { listOf, objectWith, taskQueue } from '../../options/fields.ts';
import { optionsOf } from '../../options/parse-options.ts';
import { AgentHealthBoard } from '../../redis/agent-health.ts';
import { LiveTexts } from '../../redis/live-texts.ts';
import { Heartbeats } from '../observe/heartbeats.ts';
import { Observation } from '../observe/observation.ts';
import { surviveStrayErrors } from '../observe/stray-errors.ts';
import { WorkerStopIncomplete } from '../worker-errors.ts';
import { armFailpoints } from './arm-failpoints.ts';
import { closeInTime } from './close-in-time.ts';
import { Closers } from './closers.ts';
import { type WorkerLimits, workerLimits } from './limiter.ts';
import { type Opened, openWorker, type WorkerOptions } from './open-worker.ts';
import { assembleQueue } from './queue-parts.ts';
import { startTelemetry } from './start-telemetry.ts';
import { createTemporalWorker } from './temporal-worker.ts';
import { WorkerMailboxes } from './worker-mailboxes.ts';

const MAX_HOSTED = 10_000;
const agent = objectWith<Handler>('an agent made by defineAgent', { name: 'string', handle: 'function' });
const tool = objectWith<Handler>('a tool made by defineTool', { name: 'string', handle: 'function' });
const graph = objectWith<Graph>('a graph made by defineGraph', { definition: 'object', handlers: 'object' });

/** Reads the options of a worker. */
export const workerOptions = optionsOf<WorkerOptions>('startWorker', {
  agents: listOf(agent, { max: MAX_HOSTED, of: 'agents' }).optional(),
  tools: listOf(tool, { max: MAX_HOSTED, of: 'tools' }).optional(),
  graphs: listOf(graph, { max: MAX_HOSTED, of: 'graphs' }).optional(),
  taskQueue: taskQueue.optional(),
  environment: objectWith<Environment>('an object of variables', {}).optional(),
  log: objectWith<Log>('a log with the methods debug, info, warn and error', {
    debug: 'function',
    info: 'function',
    warn: 'function',
    error: 'function',
  }).optional(),
});

/** A worker that takes tasks. */
export interface RunningWorker {
  readonly workerId: string;
  readonly taskQueue: string;
  /** The loopback port for health and metrics; null if there is none. */
  readonly healthPort: number | null;
  /**
   * Stops taking tasks, gives running nodes the grace time to finish, hands over the rest, closes everything.
   * Repeatable.
   * @throws WorkerStopIncomplete five seconds after the grace time, when something has not ended
   */
  stop(): Promise<void>;
  /** Resolves when the worker has stopped; rejects when it stopped because of a fault, or could not stop. */
  readonly stopped: Promise<void>;
}

/**
 * Starts a worker: it is ready when the promise resolves. When a step fails, or `aborted` aborts, everything that was
 * opened is closed again first.
 * @throws the signal's reason, and what `startWorker` throws
 */
export async function startUnless(aborted: AbortSignal, given: WorkerOptions): Promise<RunningWorker> {
  requireNode(process.versions.node);
  const options = workerOptions(given);
  const config = loadConfig(options.environment);
  const closers = new Closers(aborted);
  const starting = openWorker({ ...options, config }, closers).then((opened) => run(opened, closers, aborted));
  const told = Promise.withResolvers<never>();
  const tell = () => told.reject(aborted.reason);
  aborted.addEventListener('abort', tell);
  try {
    aborted.throwIfAborted();
    return await Promise.race([starting, told.promise]);
  } catch (error) {
    const closing = closeInTime({ closers, graceMs: config.shutdownGraceMs, starting });
    // A failed start throws its cause; one that was told to stop throws only if it could not.
    await (error === aborted.reason ? closing : closing.catch(() => undefined));
    throw error;
  } finally {
    aborted.removeEventListener('abort', tell);
  }
}

async function run(opened: Opened, closers: Closers, aborted: AbortSignal): Promise<RunningWorker> {
  const { database, taskQueue, hosted, log, config } = opened;
  surviveStrayErrors();
  const reach = armFailpoints(config.failpoints);
  const queue = assembleQueue(opened, reach);
  const { heartbeats, mailboxes, observation, board } = assembleAgents(opened);
  await heartbeats.open();
  closers.add('the heartbeats', heartbeats, (part) => part.close());
  closers.add('the messenger', mailboxes, (part) => part.close());
  const limits = await workerLimits(opened, () => queue.settings());
  const { limiter, places } = limits;
  const stores = operationStores(opened, limits, mailboxes.messenger);
  const worker = await createTemporalWorker(opened, {
    ...{
      process: opened.workerId,
      database,
      ...{ graphs: opened.graphs, models: opened.models, spender: new Spender(database) },
      keysFor: opened.keysFor,
      sources: opened.sources,
      board,
      liveTexts: new LiveTexts(opened.redis),
      limits: limiter,
      reach,
      log,
    },
    ...{ handlers: withOperations(hosted.handlers, stores), stores },
    takePlace: (agent, waiter) => places.take(agent, waiter),
    ...{ sender: mailboxes.messenger.sender, watch: observation.watch },
    agentId: (name) => mailboxes.presence.ids.get(name),
    taskEnded: (execution, status) => {
      observation.metrics.taskEnded(status);
      queue.taskEnded(execution);
    },
    taskMoved: ({ taskId }, status, slots) => queue.dispatcher.taskMoved(taskId, status, slots),
    tasksLeft: (ids) => queue.tasksLeft(ids),
    gapsFound: (traces) => observation.metrics.gapsFound(traces),
    waveWritten: (carrier) => queue.dispatcher.waveWritten(carrier),
    queueSettings: () => queue.settings(),
  });
  const running = worker.run();
  running.catch(() => heartbeats.markFailed());
  closers.add('a node or the end of a task', running, () => running);
  queue.start(closers);
  await startTelemetry(opened, closers);
  await heartbeats.start();
  const mail = closers.add('a mailbox', await mailboxes.open(), (open) => open.stop());
  closers.add('the observation', observation, (part) => part.close());
  // Closed first: the grace time of running nodes begins with the stop, however long the other parts take.
  closers.add("Temporal's worker", worker, async () => {
    if (worker.getState() === 'RUNNING') worker.shutdown();
  });
  const { dispatcher, hasWork } = queue;
  observation.observe({ limiter, loops: [...queue.loops, heartbeats, mail], dispatcher, worker, hasWork });
  const port = config.healthPort === null ? null : await observation.serve(config.healthPort);
  aborted.throwIfAborted();
  // Last: from here on new tasks of these graphs enter this task queue, where a worker has to take them.
  await publishHosted(opened);
  log.info({ taskQueue, graphs: [...hosted.graphs.keys()], healthPort: port }, 'the worker is ready');
  return supervise({ ...opened, port }, running, closers);
}

/** A graph that has not scored what is required of it is written as a draft. */
async function publishHosted({ database, taskQueue, hosted, log }: Opened): Promise<void> {
  const definitions = [...hosted.graphs.values()].map((graph) => graph.definition);
  const written = await publishGraphs(database, { tenant: SYSTEM_TENANT, taskQueue, definitions });
  for (const { name: graph, version, missed } of written) {
    if (missed !== null) log.warn({ graph, version, code: missed.code }, missed.message);
  }
}

function assembleAgents({ database, redis, temporal, log, workerId, taskQueue, hosted, offers, config }: Opened) {
  const { client, namespace } = temporal;
  const observation = new Observation({ database, redis, client, namespace, taskQueue, log });
  const mailboxes = new WorkerMailboxes({
    ...{ database, redis, process: workerId, taskQueue, hosted, offers, observation, log },
    maxHops: config.maxMessageHops,
  });
  const board = new AgentHealthBoard(redis);
  const working = () => observation.progress.working();
  const heartbeats = new Heartbeats({ presence: mailboxes.presence, board, working, log });
  return { observation, mailboxes, board, heartbeats };
}

/** Stops on request; and stops, with the fault, when Temporal's worker ends by itself. */
function supervise(
  { workerId, taskQueue, log, port, config }: Opened & { port: number | null },
  running: Promise<void>,
  closers: Closers,
): RunningWorker {
  const incomplete = Promise.withResolvers<never>();
  let stopping: Promise<void> | null = null;
  const close = async () => {
    log.info(
      { graceMs: config.shutdownGraceMs },
      'the worker is stopping; running nodes may finish within the grace time',
    );
    try {
      await closeInTime({ closers, graceMs: config.shutdownGraceMs });
      log.info({}, 'the worker has stopped');
    } catch (error) {
      if (error instanceof WorkerStopIncomplete) {
        log.error({ ...error.facts }, 'the worker could not stop in time; other workers continue its tasks');
        incomplete.reject(error);
      }
      throw error;
    }
  };
  const stop = () => {
    stopping ??= close();
    return stopping;
  };
  const ended = running.then(stop, async (error: unknown) => {
    await stop().catch(() => undefined);
    throw error;
  });
  const stopped = Promise.race([ended, incomplete.promise]);
  stopped.catch(() => undefined);
  return { workerId, taskQueue, healthPort: port, stop, stopped };
}

/**
 * The stores for operations that nodes of this worker call. They read no document from a path, which would be on the
 * worker's disk; their messages go out under the worker's own lease.
 */
function operationStores(
  { config, database, log, redis, temporal, graphs, hosted }: Opened,
  { limiter: rateLimits, liveProcesses }: WorkerLimits,
  messenger: Messenger,
): Stores {
  return storesOf({
    ...{ config, database, log, redis, graphs, rateLimits, liveProcesses, hosted: hosted.handlers },
    temporal: async () => temporal,
    voiceOf: (tenant) => voiceAs(messenger, { tenant, from: null }),
  });
}
