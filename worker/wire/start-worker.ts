import { loadConfig } from '../../config.ts';
import { SYSTEM_TENANT } from '../../domain/ids.ts';
import { withOperations } from '../../operations/as-tool.ts';
import { publishGraphs } from '../../operations/graphs/publish-graphs.ts';
import { AgentHealthBoard } from '../../redis/agent-health.ts';
import { Heartbeats } from '../observe/heartbeats.ts';
import { Observation } from '../observe/observation.ts';
import { surviveStrayErrors } from '../observe/stray-errors.ts';
import { WorkerStopIncomplete } from '../worker-errors.ts';
import { armFailpoints } from './arm-failpoints.ts';
import { closeInTime } from './close-in-time.ts';
import { Closers } from './closers.ts';
import { workerLimits } from './limiter.ts';
import { type Opened, openWorker, type WorkerOptions } from './open-worker.ts';
import { operationStores } from './operation-stores.ts';
import { assembleQueue } from './queue-parts.ts';
import { createTemporalWorker } from './temporal-worker.ts';
import { WorkerMailboxes } from './worker-mailboxes.ts';
import { workerOptions } from './worker-options.ts';

/** A worker that takes tasks. */
export interface RunningWorker {
  readonly workerId: string;
  readonly taskQueue: string;
  /** Where on loopback it answers about health and metrics; null when it does not. */
  readonly healthPort: number | null;
  /**
   * Stops taking tasks, lets running nodes end within the grace time, hands the rest over, closes everything. Repeatable.
   * @throws WorkerStopIncomplete five seconds after the grace time, when something has not ended
   */
  stop(): Promise<void>;
  /** Ends when the worker has stopped; rejects when it stopped by itself, because of a fault, or could not stop. */
  readonly stopped: Promise<void>;
}

/**
 * Starts a worker: it is ready when the promise resolves. When a step fails, or `aborted` aborts, everything that was
 * opened is closed again first.
 * @throws the signal's reason, and what `startWorker` throws
 */
export async function startUnless(aborted: AbortSignal, given: WorkerOptions): Promise<RunningWorker> {
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
    // A start that failed says why; one that was told to stop says whether it could.
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
  const limits = workerLimits(opened, () => queue.settings());
  const { limiter, places } = limits;
  await heartbeats.open();
  closers.add('the heartbeats', heartbeats, (part) => part.close());
  closers.add('the messenger', mailboxes, (part) => part.close());
  const worker = await createTemporalWorker(opened, {
    ...{ process: opened.workerId, database, graphs: opened.graphs, board, limits: limiter, reach, log },
    handlers: withOperations(hosted.handlers, operationStores(opened, limits, closers)),
    takePlace: (agent, waiter) => places.take(agent, waiter),
    ...{ sender: mailboxes.sender, watch: observation.watch },
    agentId: (name) => mailboxes.presence.ids.get(name),
    taskEnded: (execution, status) => {
      observation.metrics.taskEnded(status);
      queue.taskEnded(execution);
    },
    taskMoved: ({ taskId }, status, slots) => queue.dispatcher.taskMoved(taskId, status, slots),
    queueSettings: () => queue.settings(),
  });
  const running = worker.run();
  running.catch(() => heartbeats.markFailed());
  closers.add('a node or the end of a task', running, () => running);
  queue.start(closers);
  await heartbeats.start();
  const mail = closers.add('a mailbox', await mailboxes.open(), (open) => open.stop());
  closers.add('the observation', observation, (part) => part.close());
  // Closed first: the grace time of running nodes begins with the stop, however long the other parts take to end.
  closers.add("Temporal's worker", worker, async () => {
    if (worker.getState() === 'RUNNING') worker.shutdown();
  });
  const { dispatcher, hasWork } = queue;
  observation.observe({ limiter, loops: [...queue.loops, heartbeats, mail], dispatcher, worker, hasWork });
  const port = config.healthPort === null ? null : await observation.serve(config.healthPort);
  aborted.throwIfAborted();
  // Last: from here on new tasks of these graphs come to this task queue, where somebody has to take them.
  const definitions = [...hosted.graphs.values()].map((graph) => graph.definition);
  await publishGraphs(database, { tenant: SYSTEM_TENANT, taskQueue, definitions });
  log.info({ taskQueue, graphs: [...hosted.graphs.keys()], healthPort: port }, 'the worker is ready');
  return supervise({ ...opened, port }, running, closers);
}

function assembleAgents({ database, redis, temporal, log, workerId, taskQueue, hosted, config }: Opened) {
  const { client, namespace } = temporal;
  const observation = new Observation({ database, redis, client, namespace, taskQueue, log });
  const mailboxes = new WorkerMailboxes({
    ...{ database, redis, process: workerId, taskQueue, hosted, observation, log },
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
