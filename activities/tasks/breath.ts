/** How long handlers follow each other before the process gets to something else. */
const BREATH_MS = 20;

/** Keeps handlers that need no waiting from keeping everything else in the process waiting. */
export class Breath {
  #last: Promise<void> = Promise.resolve();
  #takenAt = performance.now();

  /**
   * To be awaited right before a handler is called. Callers pass one after another, each once what the one before began
   * is over or waits for something. When they have followed each other for 20 ms, the next one is held back until the process has got
   * to timers, answers and heartbeats. Never rejects.
   */
  turn(): Promise<void> {
    this.#last = this.#last.then(() => this.#pass());
    return this.#last;
  }

  async #pass(): Promise<void> {
    // Comes after all that can run now, and so after what the last caller has begun.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    if (performance.now() - this.#takenAt < BREATH_MS) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#takenAt = performance.now();
  }
}
