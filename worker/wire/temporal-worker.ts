import { AsyncLocalStorage } from 'node:async_hooks';
import type { Worker as Thread } from 'node:worker_threads';
import { type WorkerOptions as TemporalWorkerOptions, TransportError, Worker } from '@temporalio/worker';
import { createActivities } from '../../activities/index.ts';
import { TemporalUnreachable } from '../../temporal/connect.ts';
import type { TemporalWorkerConnection } from '../../temporal/connect-worker.ts';
import { workflowBundlePath } from '../bundle/workflow-bundle.ts';
import type { Opened } from './open-worker.ts';

/**
 * The shortest time between heartbeats to the server. A cancel takes as long to reach a node; each heartbeat costs the
 * server a write.
 */
const HEARTBEAT_THROTTLE = '2s';
/** Workflows kept in memory. Each open one takes about 0.5 MB. */
const MAX_CACHED_WORKFLOWS = 200;

/** Temporal's part of a worker: it polls for workflows and activities after `run`. */
export async function createTemporalWorker(
  opened: Opened,
  deps: Parameters<typeof createActivities>[0],
): Promise<Worker> {
  const { config, temporal, taskQueue, workerId } = opened;
  const codePath = await workflowBundlePath();
  return createOn(temporal, {
    taskQueue,
    identity: workerId,
    workflowBundle: { codePath },
    activities: createActivities(deps),
    maxConcurrentActivityTaskExecutions: config.maxConcurrentNodes,
    maxCachedWorkflows: MAX_CACHED_WORKFLOWS,
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    defaultHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    // Not forced: the SDK panics when a local activity has not ended, and leaves its threads running.
    shutdownGraceTime: config.shutdownGraceMs,
  });
}

/**
 * Makes a worker on a connection, and leaves nothing open if that fails.
 * @throws TemporalUnreachable when the connection was lost since it was made
 */
export async function createOn(
  { connection, namespace, address }: TemporalWorkerConnection,
  options: Omit<TemporalWorkerOptions, 'connection' | 'namespace'>,
): Promise<Worker> {
  try {
    return await endThreadsOnFailure(() => Worker.create({ ...options, connection, namespace }));
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    // The library's text describes its internals.
    const cause = new Error('the connection was lost while the worker started', { cause: error });
    throw new TemporalUnreachable(address, cause);
  }
}

/** The call of `endThreadsOnFailure` that starts a thread: others may start threads at the same time. */
const calls = new AsyncLocalStorage<Thread[]>();

/**
 * Calls a function that starts threads, and ends those threads if it fails. For functions that forget to: a thread that
 * is left behind keeps its process alive.
 */
export async function endThreadsOnFailure<Made>(make: () => Promise<Made>): Promise<Made> {
  const threads: Thread[] = [];
  const note = (thread: Thread) => {
    if (calls.getStore() === threads) threads.push(thread);
  };
  process.on('worker', note);
  try {
    return await calls.run(threads, make);
  } catch (error) {
    await Promise.all(threads.map((thread) => thread.terminate()));
    throw error;
  } finally {
    process.off('worker', note);
  }
}
