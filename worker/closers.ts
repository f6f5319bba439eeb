/** What was opened, closed in reverse order. A closer that fails does not keep the others from running. */
export class Closers {
  readonly #closers: (() => Promise<unknown>)[] = [];

  /** Remembers how to close what was just opened, and hands it on. */
  add<Opened>(opened: Opened, close: (opened: Opened) => Promise<unknown>): Opened {
    this.#closers.push(() => close(opened));
    return opened;
  }

  /** Closes everything once. @throws the first failure, after all have run */
  async closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) {
      await close().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }
}
