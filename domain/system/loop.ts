import type { LoopPulse } from '../agents/liveness-stalls.ts';
import { errorMessage } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { HintedPause } from './hinted-pause.ts';

export interface LoopLog {
  warn(facts: JsonObject, message: string): void;
}

export interface LoopOptions {
  /** What the log and the health of the process call it. */
  readonly name: string;
  /** Does one round and says how many milliseconds to wait, at most, before the next. */
  readonly turn: () => Promise<number>;
  readonly log: LoopLog;
  /** How an error reads in the log. @defaultValue its own sentence */
  readonly explain?: (error: unknown) => string;
}

/** How long a loop waits after a turn that failed. */
const AFTER_FAILURE_MS = 1_000;

/**
 * Work that repeats until the process stops. Modes: *idle* before `start`, *running*, *stopping* from `stop` until the turn
 * under way has ended, *stopped*. A turn that throws is reported and followed by the next one: recovery is this loop, not a
 * step at start-up.
 */
export class Loop {
  readonly #options: LoopOptions;
  readonly #pause = new HintedPause();
  #stopping = false;
  /** When the next turn has to have begun, by the monotonic clock; null when it is not running. */
  #dueAt: number | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  get pulse(): LoopPulse {
    const overdueMs = this.#dueAt === null ? 0 : Math.max(0, performance.now() - this.#dueAt);
    return { name: this.#options.name, overdueMs };
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Lets the next turn come at once. */
  hint(): void {
    this.#pause.hint();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#pause.hint();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { name, turn, log, explain = errorMessage } = this.#options;
    while (!this.#stopping) {
      this.#dueAt = performance.now();
      const wait = await turn().catch((error: unknown) => {
        log.warn({ loop: name, error: explain(error) }, 'a pass of this loop failed; the next one runs as usual');
        return AFTER_FAILURE_MS;
      });
      this.#dueAt = performance.now() + wait;
      if (wait > 0 && !this.#stopping) await this.#pause.wait(wait);
    }
    this.#dueAt = null;
  }
}

/** Several loops that start and stop together. */
export class Loops {
  readonly #loops: readonly Loop[];

  constructor(loops: readonly Loop[]) {
    this.#loops = loops;
  }

  /** That of the loop which owes the end of a turn the longest. */
  get pulse(): LoopPulse {
    return this.#loops
      .map((loop) => loop.pulse)
      .reduce((worst, one) => (one.overdueMs > worst.overdueMs ? one : worst));
  }

  start(): void {
    for (const loop of this.#loops) loop.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.stop()));
  }
}
