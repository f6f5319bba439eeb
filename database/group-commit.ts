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
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Lets calls that come while a write is under way share the next one. States: *idle*; *writing*, one write at a time, for
 * as long as anything waits. An item alone is written at once; each call succeeds or fails for itself.
 */
export class GroupCommit<Item, Result> {
  readonly #options: GroupCommitOptions<Item, Result>;
  readonly #waiting: Waiting<Item, Result>[] = [];
  /** Null while idle. */
  #writing: Promise<void> | null = null;

  constructor(options: GroupCommitOptions<Item, Result>) {
    this.#options = options;
  }

  /** Writes an item, together with others if there are any. Rejects as its own write does. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    // Calls of the same turn of the event loop are one group.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) await this.#write(this.#waiting.splice(0, this.#options.max));
    this.#writing = null;
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
