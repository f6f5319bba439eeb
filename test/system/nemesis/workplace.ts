import { setTimeout as pause } from 'node:timers/promises';
import { errorMessage } from '../../../domain/errors.ts';
import type { WorkerProcess } from '../../support/worker-process.ts';
import type { RunLog } from './run-log.ts';

const START_AGAIN_MS = 500;

/**
 * A place for one worker, as a supervisor of processes keeps it: a worker that is ended is followed by another one, with
 * as many tries as it takes, since a worker may not be able to start while a service is unavailable.
 */
export class Workplace {
  readonly number: number;
  worker: WorkerProcess | null = null;
  /** While set, no fault may touch the worker: a test needs it as it is. */
  reserved = false;
  readonly #start: () => Promise<WorkerProcess>;
  readonly #log: RunLog;

  constructor(number: number, options: { start: () => Promise<WorkerProcess>; log: RunLog }) {
    this.number = number;
    this.#start = options.start;
    this.#log = options.log;
  }

  /** Fills the place. Resolves when its worker takes tasks. */
  async fill(): Promise<void> {
    while (this.worker === null) {
      try {
        this.worker = await this.#start();
        void this.#watch(this.worker);
      } catch (error) {
        if (this.#log.over) throw error;
        this.#log.note(`place ${this.number}: a worker did not start: ${errorMessage(error).slice(0, 300)}`);
        await pause(START_AGAIN_MS);
      }
    }
  }

  /** Ends the worker by a signal, leaves the place empty for a while, and fills it again. */
  async replace(signal: 'SIGKILL' | 'SIGTERM', emptyForMs: number): Promise<boolean> {
    const worker = this.worker;
    if (worker === null) return false;
    this.worker = null;
    worker.signal(signal);
    const [{ code }] = await Promise.all([worker.ended, pause(emptyForMs)]);
    this.#log.note(`place ${this.number}: worker ${worker.pid} ended by ${signal}, code ${code}`);
    await this.fill();
    return true;
  }

  /** Stops the worker without ending it; then it continues as if no time had passed. */
  async freeze(forMs: number): Promise<boolean> {
    const worker = this.worker;
    if (worker === null) return false;
    worker.signal('SIGSTOP');
    await pause(forMs);
    worker.signal('SIGCONT');
    return true;
  }

  /** A worker that ends while nobody asked it to is a finding, however well its successor does. */
  async #watch(worker: WorkerProcess): Promise<void> {
    const { code, signal } = await worker.ended;
    if (this.worker !== worker || this.#log.over) return;
    this.worker = null;
    this.#log.violation(`worker ${worker.pid} ended by itself: ${signal ?? code}: ${worker.log.slice(-5).join('\n')}`);
    await this.fill().catch(() => undefined);
  }
}
