import type { LoopPulse } from '../domain/agents/liveness-stalls.ts';
import type { JsonObject } from '../domain/json.ts';
import { HintedPause } from '../redis/hinted-pause.ts';
import { explain } from '../temporal/refusals.ts';

export interface LoopLog {
  warn(facts: JsonObject, message: string): void;
}

/**
 * Work that repeats until the process stops. Modes: *idle* before `start`, *running*, *stopping* from `stop` until the turn under way
 * has ended, *stopped*. A turn that throws is reported and followed by the next one: recovery is this loop, not a step
 * at start-up.
 */
export class Loop {
  readonly #name: string;
  readonly #turn: () => Promise<number>;
  readonly #log: LoopLog;
  readonly #pause = new HintedPause();
  #stopping = false;
  /** When the next turn has to have begun, by the monotonic clock; null when it is not running. */
  #dueAt: number | null = null;
  #running: Promise<void> = Promise.resolve();

  /** @param turn does one round and says how many milliseconds to wait, at most, before the next */
  constructor(name: string, log: LoopLog, turn: () => Promise<number>) {
    this.#name = name;
    this.#log = log;
    this.#turn = turn;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  get pulse(): LoopPulse {
    const overdueMs = this.#dueAt === null ? 0 : Math.max(0, performance.now() - this.#dueAt);
    return { name: this.#name, overdueMs };
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
    while (!this.#stopping) {
      this.#dueAt = performance.now();
      const wait = await this.#turn().catch((error: unknown) => {
        this.#log.warn(
          { loop: this.#name, error: explain(error) },
          'a pass of this loop failed; the next one runs as usual',
        );
        return 1_000;
      });
      this.#dueAt = performance.now() + wait;
      if (wait > 0 && !this.#stopping) await this.#pause.wait(wait);
    }
    this.#dueAt = null;
  }
}
