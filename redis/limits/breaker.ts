export interface BreakerOptions {
  /** Failures in a row that open it. @defaultValue 5 */
  readonly failuresUntilOpen?: number;
  /** How often an open one lets a single call try. @defaultValue 1000 */
  readonly probeEveryMs?: number;
  /** @defaultValue `performance.now` */
  readonly nowMs?: () => number;
}

/**
 * Keeps callers from waiting for a store that does not answer.
 *
 * *Closed*: every call may try; enough failures in a row open it. *Open*: nobody tries, except one call a second, the probe. A
 * success, of the probe or of a call that was under way, closes it.
 */
export class Breaker {
  readonly #failuresUntilOpen: number;
  readonly #probeEveryMs: number;
  readonly #nowMs: () => number;
  #failures = 0;
  #nextProbeMs = 0;
  #timesOpened = 0;

  constructor(options: BreakerOptions = {}) {
    this.#failuresUntilOpen = options.failuresUntilOpen ?? 5;
    this.#probeEveryMs = options.probeEveryMs ?? 1_000;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** Whether the store counts as unavailable. */
  get isOpen(): boolean {
    return this.#failures >= this.#failuresUntilOpen;
  }

  /** How often it has opened since the start of the process. */
  get timesOpened(): number {
    return this.#timesOpened;
  }

  /** Whether this call may try. While it is open, true for one call a second. */
  allows(): boolean {
    if (!this.isOpen) return true;
    const nowMs = this.#nowMs();
    if (nowMs < this.#nextProbeMs) return false;
    this.#nextProbeMs = nowMs + this.#probeEveryMs;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  failed(): void {
    this.#failures += 1;
    if (this.#failures !== this.#failuresUntilOpen) return;
    this.#timesOpened += 1;
    this.#nextProbeMs = this.#nowMs() + this.#probeEveryMs;
  }
}
