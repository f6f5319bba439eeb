/** Counts what happens in each turn of the event loop: unlike times, that does not depend on what else the machine does. */
export class LoopTurns {
  #next = setImmediate(() => this.#turn());
  #now = 0;
  #most = 0;

  #turn(): void {
    this.#now = 0;
    this.#next = setImmediate(() => this.#turn());
  }

  count(): void {
    this.#now += 1;
    this.#most = Math.max(this.#most, this.#now);
  }

  /** @returns the most that was counted in one turn */
  stop(): number {
    clearImmediate(this.#next);
    return this.#most;
  }
}

/** Keeps the event loop busy. */
export function spin(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
