import type { LoopPulse } from '../agents/liveness-stalls.ts';
import { errorMessage } from '../errors.ts';
import type { JsonObject } from '../json.ts';

/** A wait that a hint can end early. A hint without a waiter is kept for the next wait. */
export class HintedPause {
  #hinted = false;
  #end: (() => void) | null = null;

  /** Ends the current wait, or else the next one at once. */
  hint(): void {
    this.#hinted = true;
    this.#end?.();
  }

  /** Waits for a hint, at most this long. */
  async wait(milliseconds: number): Promise<void> {
    if (!this.#hinted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.#end = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#end = null;
    this.#hinted = false;
  }
}

export interface LoopLog {
  warn(facts: JsonObject, message: string): void;
}

export interface LoopOptions {
  /** Its name in the log and in the health of the process. */
  readonly name: string;
  /** Does one turn and returns the longest wait before the next, in milliseconds. */
  readonly turn: () => Promise<number>;
  readonly log: LoopLog;
  /** The text of an error in the log. @defaultValue its own sentence */
  readonly explain?: (error: unknown) => string;
}

/** How long a loop waits after a turn that failed. */
const AFTER_FAILURE_MS = 1_000;

/**
 * Work that repeats until the process stops. Modes: *idle* before `start`, *running*, *stopping* from `stop` until the
 * current turn has ended, *stopped*. A turn that throws is reported and followed by the next one: recovery is this
 * loop, not a step at start-up.
 */
export class Loop {
  readonly #options: LoopOptions;
  readonly #pause = new HintedPause();
  #stopping = false;
  /** The monotonic time by which the next turn has to begin; null when it is not running. */
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

  /** Makes the next turn begin at once. */
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

  /** The state of the loop whose turn is overdue the longest. */
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
