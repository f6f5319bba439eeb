/** Closes what was opened in reverse order. A closer that fails does not keep the others from running. */
export class Closers {
  readonly #closers: { readonly name: string; readonly close: () => Promise<unknown> }[] = [];
  readonly #aborted: AbortSignal;
  #current = '';

  /** @param aborted aborts when nothing more may be opened */
  constructor(aborted: AbortSignal) {
    this.#aborted = aborted;
  }

  /** The name of what is being closed now; empty before and after. */
  get current(): string {
    return this.#current;
  }

  /**
   * Remembers how to close what was just opened, and returns it. @param name its name for a log
   * @throws the signal's reason once it has aborted; what was opened is remembered all the same, for the next
   * `closeAll`
   */
  add<Opened>(name: string, opened: Opened, close: (opened: Opened) => Promise<unknown>): Opened {
    this.#closers.push({ name, close: () => close(opened) });
    this.#aborted.throwIfAborted();
    return opened;
  }

  /** Closes everything once. @throws the first failure, after all have run */
  async closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (let closer = this.#closers.pop(); closer !== undefined; closer = this.#closers.pop()) {
      this.#current = closer.name;
      await closer.close().catch((error: unknown) => failures.push(error));
    }
    this.#current = '';
    if (failures.length > 0) throw failures[0];
  }
}
