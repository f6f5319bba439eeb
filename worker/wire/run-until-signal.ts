import { pino } from 'pino';
import { loadConfig } from '../../config.ts';
import { WorkerStopIncomplete } from '../worker-errors.ts';
import { AFTER_GRACE_MS } from './close-in-time.ts';
import type { WorkerOptions } from './open-worker.ts';
import { type RunningWorker, startUnless, workerOptions } from './start-worker.ts';

/** The exit code (EX_TEMPFAIL) of a process whose worker could not stop in time, or was ended by a second signal. */
export const EXIT_STOP_INCOMPLETE = 75;

/** Two signals within this time count as one: Ctrl-C reaches a process from the terminal and from its parent. */
const ONE_SIGNAL_MS = 500;

/**
 * Runs a worker until SIGTERM or SIGINT, which are obeyed during its start as well. From the first signal on the
 * **process** has the grace time and five seconds: with 75 it ends when the worker has not stopped by then, and with
 * its own exit code (0) when the worker has, and something of the user's is still open. A second signal ends it at
 * once.
 * @param ready called when the worker takes tasks
 */
export async function runUntilSignal(
  given: WorkerOptions,
  ready: (worker: RunningWorker) => void = () => undefined,
): Promise<void> {
  const options = workerOptions(given);
  const told = new AbortController();
  const end = new ProcessEnd(options);
  let toldAt = 0;
  const onSignal = () => {
    if (told.signal.aborted) {
      if (performance.now() - toldAt > ONE_SIGNAL_MS) end.now();
      return;
    }
    toldAt = performance.now();
    // First the worker's stop, which ends at the same moment and knows more.
    told.abort();
    end.soon();
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  try {
    const worker = await startUnless(told.signal, options);
    told.signal.addEventListener('abort', () => void worker.stop().catch(() => undefined));
    ready(worker);
    await worker.stopped;
    end.isStopped = true;
  } catch (error) {
    // Something that has not ended would keep the process alive indefinitely.
    if (error instanceof WorkerStopIncomplete) end.now();
    if (error !== told.signal.reason) throw error;
    end.isStopped = true;
  } finally {
    // After a signal the listeners stay: a second one may have to end what the user left open.
    if (!told.signal.aborted) process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
  }
}

/** How the process of a worker that was told to stop ends. */
class ProcessEnd {
  /** Whether the worker has stopped and closed everything of its own. */
  isStopped = false;
  readonly #options: WorkerOptions;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  now(): void {
    process.exit(this.isStopped ? undefined : EXIT_STOP_INCOMPLETE);
  }

  /** Ends the process five seconds after the grace time, unless it has ended by itself until then. */
  soon(): void {
    const { shutdownGraceMs, logLevel: level } = loadConfig(this.#options.environment);
    const end = () => {
      const log = this.#options.log ?? pino({ name: 'muster', level }, pino.destination(2));
      const stillOpen = [...new Set(process.getActiveResourcesInfo())];
      log.warn({ stillOpen }, 'something keeps the process alive after its time to stop; ending it');
      this.now();
    };
    setTimeout(end, shutdownGraceMs + AFTER_GRACE_MS).unref();
  }
}
