/** Failures in a row that open it. */
const FAILURES_UNTIL_OPEN = 5;
/** How often an open one lets a single call try. A call that is refused meanwhile may wait this long. */
export const PROBE_EVERY_MS = 1_000;

/**
 * Keeps callers from waiting for a store that does not answer.
 *
 * *Closed*: every call may try; enough failures in a row open it. *Open*: only one call a second may try, the probe. A
 * success of the probe, or of a call that started before, closes it.
 */
export class Breaker {
  readonly #nowMs: () => number;
  #failures = 0;
  #nextProbeMs = 0;
  #timesOpened = 0;

  constructor({ nowMs = () => performance.now() }: { nowMs?: (() => number) | undefined } = {}) {
    this.#nowMs = nowMs;
  }

  /** Whether the store counts as unavailable. */
  get isOpen(): boolean {
    return this.#failures >= FAILURES_UNTIL_OPEN;
  }

  /** How often it has opened since the start of the process. */
  get timesOpened(): number {
    return this.#timesOpened;
  }

  /** Whether this call may try. While open, true for one call a second. */
  allows(): boolean {
    if (!this.isOpen) return true;
    const nowMs = this.#nowMs();
    if (nowMs < this.#nextProbeMs) return false;
    this.#nextProbeMs = nowMs + PROBE_EVERY_MS;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  failed(): void {
    this.#failures += 1;
    if (this.#failures !== FAILURES_UNTIL_OPEN) return;
    this.#timesOpened += 1;
    this.#nextProbeMs = this.#nowMs() + PROBE_EVERY_MS;
  }
}
