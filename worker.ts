import type { WorkerOptions } from './worker/wire/open-worker.ts';
import { runUntilSignal } from './worker/wire/run-until-signal.ts';
import { type RunningWorker, startUnless } from './worker/wire/start-worker.ts';

export type { WorkerOptions } from './worker/wire/open-worker.ts';
export type { RunningWorker } from './worker/wire/start-worker.ts';
export { WorkerStopIncomplete } from './worker/worker-errors.ts';

/** Never aborts. */
const NEVER = new AbortController().signal;

/**
 * Starts a worker in this process: it is ready when the promise resolves. Everything that was opened is closed again
 * when a step fails. Its graphs are published last, so that a worker that fails to start changes nothing for new tasks.
 * @throws NodeTooOld, OptionInvalid, ConfigInvalid, TemporalProfileInvalid, TemporalAddressInvalid,
 * TemporalNamespaceUnknown, ServiceNotRunning, PostgresqlUnreachable, MigrationsMissing, MigrationRefused,
 * TemporalUnreachable, NameTaken, HealthPortUnusable
 */
export function startWorker(options: WorkerOptions = {}): Promise<RunningWorker> {
  return startUnless(NEVER, options);
}

/**
 * Runs a worker until SIGTERM or SIGINT: what is under way ends or is handed over within
 * `MUSTER_SHUTDOWN_GRACE_SECONDS`. When something has not ended five seconds later, or a second signal comes, the
 * **process** ends with exit code 75, and other workers continue its tasks. When the worker has stopped and something
 * of yours (a socket, a pool, an interval) keeps the process alive, it ends at that moment too, with the process's own
 * exit code: what follows `await runWorker(…)` has until then.
 *
 * @example
 * await runWorker({ graphs: [greeting] });
 *
 * @throws what `startWorker` throws, and the fault because of which the worker stopped by itself
 */
export function runWorker(options: WorkerOptions = {}): Promise<void> {
  return runUntilSignal(options);
}
