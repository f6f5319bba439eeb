import { AgentHealthBoard } from './redis/agent-health.ts';
import { Closers } from './worker/closers.ts';
import { armFailpoints } from './worker/failpoints.ts';
import { Heartbeats } from './worker/heartbeats.ts';
import { workerLimits } from './worker/limiter.ts';
import { WorkerMailboxes } from './worker/mailboxes.ts';
import { Observation } from './worker/observation.ts';
import { type Opened, openWorker, type WorkerOptions } from './worker/open-worker.ts';
import { assembleQueue } from './worker/queue-parts.ts';
import { markCallers, surviveStrayErrors } from './worker/stray-errors.ts';
import { createTemporalWorker } from './worker/temporal-worker.ts';
import { workerOptions } from './worker/worker-options.ts';

export type { WorkerOptions } from './worker/open-worker.ts';

/** A worker that takes tasks. */
export interface RunningWorker {
  readonly workerId: string;
  readonly taskQueue: string;
  /** Where on loopback it answers about health and metrics; null when it does not. */
  readonly healthPort: number | null;
  /** Stops taking tasks, lets running nodes end within the grace time, hands the rest over, closes everything. */
  stop(): Promise<void>;
  /** Ends when the worker has stopped; rejects when it stopped by itself, because of a fault. */
  readonly stopped: Promise<void>;
}

/**
 * Starts a worker in this process: it is ready when the promise resolves. Everything that was opened is closed again
 * when a step fails.
 * @throws OptionInvalid, ConfigInvalid, TemporalProfileInvalid, ServiceNotRunning, PostgresqlUnreachable,
 * MigrationsMissing, MigrationRefused, TemporalUnreachable, NameTaken
 */
export async function startWorker(options: WorkerOptions = {}): Promise<RunningWorker> {
  const closers = new Closers();
  try {
    const opened = await openWorker(workerOptions(options), closers);
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

async function run(opened: Opened, closers: Closers): Promise<RunningWorker> {
  const { database, redis, temporal, log, workerId, taskQueue, hosted, graphs, config } = opened;
  surviveStrayErrors();
  const reach = armFailpoints(config.failpoints);
  const queue = assembleQueue(opened, reach);
  const { limiter, places } = workerLimits(opened, () => queue.settings());
  const { client, namespace } = temporal;
  const observation = new Observation({ database, redis, client, namespace, taskQueue, log });
  const mailboxes = new WorkerMailboxes({
    database,
    redis,
    process: workerId,
    hosted,
    observation,
    log,
    maxHops: config.maxMessageHops,
  });
  const board = new AgentHealthBoard(redis);
  const working = () => observation.progress.working();
  const heartbeats = new Heartbeats({ presence: mailboxes.presence, board, working, log });
  await heartbeats.open();
  closers.add(heartbeats, (part) => part.close());
  closers.add(mailboxes, (part) => part.close());
  const worker = await createTemporalWorker(opened, {
    process: workerId,
    database,
    graphs,
    handlers: observation.watch(markCallers(hosted.handlers, log)),
    messagesOf: (node, signal) => mailboxes.messagesOf(node, signal),
    board,
    limits: limiter,
    takePlace: (agent) => places.take(agent),
    reach,
    log,
    taskEnded: (execution, status) => {
      observation.metrics.taskEnded(status);
      queue.taskEnded(execution);
    },
  });
  const running = worker.run();
  running.catch(() => heartbeats.markFailed());
  closers.add(worker, async () => {
    if (worker.getState() === 'RUNNING') worker.shutdown();
    await running;
  });
  queue.start(closers);
  await heartbeats.start();
  const mail = closers.add(await mailboxes.open(), (open) => open.stop());
  closers.add(observation, (part) => part.close());
  const { dispatcher, hasWork } = queue;
  observation.observe({ limiter, loops: [...queue.loops, heartbeats, mail], dispatcher, worker, hasWork });
  const port = config.healthPort === null ? null : await observation.serve(config.healthPort);
  log.info({ taskQueue, graphs: [...hosted.graphs.keys()], healthPort: port }, 'the worker is ready');
  return supervise({ ...opened, port }, running, closers);
}

/** Stops on request; and stops, with the fault, when Temporal's worker ends by itself. */
function supervise(
  { workerId, taskQueue, log, port }: Opened & { port: number | null },
  running: Promise<void>,
  closers: Closers,
): RunningWorker {
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
  return { workerId, taskQueue, healthPort: port, stop, stopped };
}
