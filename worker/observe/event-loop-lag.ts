/** How often the event loop is measured, in milliseconds. */
const SAMPLE_MS = 100;
/** How long a delay is remembered, at least; twice that at most. */
const REMEMBER_MS = 10_000;

/** How late the event loop is. Measured by a timer: resetting Node's histogram loses the delay that is about to end. */
export class EventLoopLag {
  #timer: NodeJS.Timeout | null = null;
  #lastAt = 0;
  #rotatedAt = 0;
  #before = 0;
  #longest = 0;

  start(): void {
    this.#lastAt = performance.now();
    this.#rotatedAt = this.#lastAt;
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer ?? undefined);
    this.#timer = null;
  }

  /** The longest that a timer had to wait in the last 10 to 20 s, one that waits now included. */
  get longestMs(): number {
    return Math.max(this.#before, this.#longest, this.#timer === null ? 0 : this.#lateness());
  }

  #sample(): void {
    this.#longest = Math.max(this.#longest, this.#lateness());
    this.#lastAt = performance.now();
    if (this.#lastAt - this.#rotatedAt < REMEMBER_MS) return;
    this.#before = this.#longest;
    this.#longest = 0;
    this.#rotatedAt = this.#lastAt;
  }

  #lateness(): number {
    return Math.max(0, performance.now() - this.#lastAt - SAMPLE_MS);
  }
}
