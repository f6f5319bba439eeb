import { IllegalStateError } from '@temporalio/common';
import { DefaultLogger, Runtime, type WorkerOptions as TemporalWorkerOptions, Worker } from '@temporalio/worker';
import type { Log } from '../activities/dependencies.ts';
import { createActivities } from '../activities/index.ts';
import { endThreadsOnFailure } from './end-threads.ts';
import type { Opened } from './open-worker.ts';
import { workflowBundlePath } from './workflow-bundle.ts';

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
  const options: TemporalWorkerOptions = {
    connection: temporal.connection,
    namespace: temporal.namespace,
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
  };
  return endThreadsOnFailure(() => Worker.create(options));
}

/**
 * One runtime serves a process. Muster closes in its own order, so the runtime must not react to signals itself. A
 * program that installed one before keeps it, with its signals and its log.
 */
let runtimeIsQuiet = false;
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
