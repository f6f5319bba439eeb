/** What a group commit needs to know of what it writes. */
export interface GroupCommitOptions<Item, Result> {
  /** Writes items together, all or none, and answers in their order. */
  readonly write: (items: readonly Item[]) => Promise<readonly Result[]>;
  /**
   * Whether a failed write was the fault of an item in it, so that the others may succeed without that one.
   * @defaultValue it never is
   */
  readonly isFaultOfItem?: (error: unknown) => boolean;
  /** Items in one write. */
  readonly max: number;
  /** How many writes may be under way at once; a further one begins where enough items wait for it. @defaultValue 1 */
  readonly writers?: number;
}

/** From this many items on, a second write pays. */
const ENOUGH_FOR_TWO = 20;

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Lets calls that come while a write is under way share the next one. States: *idle*; *writing*, for as long as
 * anything waits. An item alone is written at once. Each call succeeds or fails for itself.
 *
 * With several writers, items that come together are split among them. With one writer, callers that wait for their
 * answer before they call again would all wait for the same write while the program does nothing, and then all for the
 * program.
 */
export class GroupCommit<Item, Result> {
  readonly #options: Omit<GroupCommitOptions<Item, Result>, 'max' | 'writers'>;
  readonly #waiting: Waiting<Item, Result>[] = [];
  readonly #max: number;
  readonly #writers: number;
  /** Empty while idle. */
  readonly #writing = new Set<Promise<void>>();
  /** Writers with a group of their own under way. */
  #busy = 0;

  constructor({ max, writers = 1, ...options }: GroupCommitOptions<Item, Result>) {
    this.#options = options;
    this.#max = max;
    this.#writers = writers;
  }

  /** Writes an item, together with others if there are any. Rejects as its own write does. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      const mayShare = this.#writing.size < this.#writers && this.#waiting.length >= ENOUGH_FOR_TWO;
      if (this.#writing.size === 0 || mayShare) this.#startWriter();
    });
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    while (this.#writing.size > 0) await Promise.all(this.#writing);
  }

  #startWriter(): void {
    const writer = this.#writeAll(() => this.#writing.delete(writer));
    this.#writing.add(writer);
  }

  /** @param ends called at the moment when nothing waits any more: an item that comes later starts a new writer */
  async #writeAll(ends: () => void): Promise<void> {
    // Calls of the same turn of the event loop are one group, or one for each writer.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, this.#nextSize());
      this.#busy += 1;
      await this.#write(group);
      this.#busy -= 1;
    }
    ends();
  }

  /** How many items this writer takes: all that wait, or its share of them. */
  #nextSize(): number {
    const { length } = this.#waiting;
    const sharers = length < ENOUGH_FOR_TWO ? 1 : this.#writers - this.#busy;
    return Math.min(this.#max, Math.ceil(length / sharers));
  }

  async #write(group: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#options.write(group.map(({ item }) => item));
      for (const [index, call] of group.entries()) call.resolve(results[index] as Result);
    } catch (error) {
      if (group.length > 1 && this.#options.isFaultOfItem?.(error) === true) await this.#writeHalves(group);
      else for (const call of group) call.reject(error);
    }
  }

  /** Finds the item at fault in as many steps as the group can be halved, and writes all others. */
  async #writeHalves(group: readonly Waiting<Item, Result>[]): Promise<void> {
    const middle = Math.ceil(group.length / 2);
    await this.#write(group.slice(0, middle));
    await this.#write(group.slice(middle));
  }
}
