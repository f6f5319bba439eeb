/** Carries out a batch and answers for each item, in the order of the items. */
export type Flush<Item, Result> = (items: readonly Item[]) => Promise<readonly Result[]>;

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Puts what comes together into one message to the database: what arrives while a batch is under way forms the next
 * one, so that a single item never waits and a crowd shares the cost. A batch that the database refuses is carried out
 * item by item, so that each caller gets its own error.
 */
export class Batcher<Item, Result> {
  readonly #flush: Flush<Item, Result>;
  readonly #largest: number;
  #waiting: Waiting<Item, Result>[] = [];
  #running: Promise<void> | null = null;

  /** @param largest items in a batch, at most */
  constructor(largest: number, flush: Flush<Item, Result>) {
    this.#largest = largest;
    this.#flush = flush;
  }

  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // What this turn of the event loop still adds belongs into the same batch.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) await this.#carryOut(this.#waiting.splice(0, this.#largest));
    this.#running = null;
  }

  async #carryOut(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#flush(batch.map(({ item }) => item));
      // One result for each item is what a flush promises.
      batch.forEach(({ resolve }, index) => {
        resolve(results[index] as Result);
      });
    } catch (error) {
      if (batch.length > 1 && isRefusal(error)) for (const one of batch) await this.#carryOut([one]);
      else for (const { reject } of batch) reject(error);
    }
  }
}

/** The database said no to what a statement holds, so that another statement may fare better. */
function isRefusal(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  return typeof error.code === 'string' && /^2[23]\w{3}$/.test(error.code);
}
