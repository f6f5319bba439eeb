import { WorkerStopIncomplete } from './errors.ts';
import type { WorkerOptions } from './open-worker.ts';
import { type RunningWorker, startUnless } from './start-worker.ts';

/** The exit code of a process whose worker could not stop in time, or was not given the time: EX_TEMPFAIL. */
export const EXIT_STOP_INCOMPLETE = 75;

/** Two signals within this time are one: Ctrl-C reaches a process from the terminal and from what started it. */
const ONE_SIGNAL_MS = 500;

/**
 * Runs a worker until SIGTERM or SIGINT, which are obeyed during its start as well. Ends the process with 75 when the
 * worker has not stopped five seconds after the grace time, and at once on a second signal.
 * @param ready told when the worker takes tasks
 */
export async function runUntilSignal(
  options: WorkerOptions,
  ready: (worker: RunningWorker) => void = () => undefined,
): Promise<void> {
  const told = new AbortController();
  let toldAt = 0;
  const onSignal = () => {
    if (!told.signal.aborted) toldAt = performance.now();
    else if (performance.now() - toldAt > ONE_SIGNAL_MS) process.exit(EXIT_STOP_INCOMPLETE);
    told.abort();
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  try {
    const worker = await startUnless(told.signal, options);
    told.signal.addEventListener('abort', () => void worker.stop().catch(() => undefined));
    ready(worker);
    await worker.stopped;
  } catch (error) {
    // What has not ended keeps the process alive, and nobody knows for how long.
    if (error instanceof WorkerStopIncomplete) process.exit(EXIT_STOP_INCOMPLETE);
    if (error !== told.signal.reason) throw error;
  } finally {
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
  }
}
