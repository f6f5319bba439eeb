import { type WorkerOptions as TemporalWorkerOptions, TransportError, Worker } from '@temporalio/worker';
import { createActivities } from '../../activities/index.ts';
import { TemporalUnreachable } from '../../temporal/connect.ts';
import type { TemporalWorkerConnection } from '../../temporal/connect-worker.ts';
import { workflowBundlePath } from '../bundle/workflow-bundle.ts';
import { endThreadsOnFailure } from './end-threads.ts';
import type { Opened } from './open-worker.ts';

/** Heartbeats go to the server this often at most: a cancel reaches a node as fast, each costs the server a write. */
const HEARTBEAT_THROTTLE = '2s';
/** Workflows kept in memory. Each open one holds about 0.5 MB. */
const MAX_CACHED_WORKFLOWS = 200;

/** Temporal's part of a worker: it polls for workflows and activities once it is run. */
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
 * Makes a worker on a connection, and leaves nothing open where that fails.
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
    // The library's own text names its insides.
    const cause = new Error('the connection was lost while the worker started', { cause: error });
    throw new TemporalUnreachable(address, cause);
  }
}
