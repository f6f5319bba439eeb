import type { TaskId } from '../domain/ids.ts';
import type { OccupyingTask } from '../entities/tasks/occupied-places.ts';

/**
 * Tasks all of whose nodes wait hold no place, up to this many for each place and in all: what is known of them takes
 * little memory, and they may all continue at once.
 */
const WITHOUT_PLACE = { perPlace: 10, most: 5_000 };

/**
 * The places of a dispatcher. A task holds one while it occupies it: from the lease of its job until its end is seen, or
 * until it is paused or waits for a person, a message or a time; then it is forgotten here, and taken again when it
 * continues, even if no place is left. One all of whose nodes wait (for a limit, a host, their next attempt) is known and
 * holds none.
 */
export class Places {
  readonly #capacity: number;
  /** Whether each task was idle when it was last looked at. */
  readonly #tasks = new Map<TaskId, boolean>();
  /** What was taken or freed since the look that is under way began: it is newer than what the look finds. */
  #changed = new Set<TaskId>();
  /** Places of candidates that are being claimed. */
  #reserved = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** How many more tasks may be taken; below 0 when more work than there are places. */
  get room(): number {
    return this.#capacity - (this.#tasks.size - this.#withoutPlace) - this.#reserved;
  }

  /** How many tasks are idle and hold places for which others wait, because too many of them are. */
  get heldByIdle(): number {
    return this.room > 0 ? 0 : this.#idle - this.#withoutPlace;
  }

  get #idle(): number {
    return [...this.#tasks.values()].filter((isIdle) => isIdle).length;
  }

  get #withoutPlace(): number {
    return Math.min(this.#idle, WITHOUT_PLACE.most, WITHOUT_PLACE.perPlace * this.#capacity);
  }

  reserve(count: number): void {
    this.#reserved += count;
  }

  /** Undoes {@link reserve}. */
  release(count: number): void {
    this.#reserved -= count;
  }

  take(ids: readonly TaskId[]): void {
    for (const id of ids) {
      this.#tasks.set(id, false);
      this.#changed.add(id);
    }
  }

  /** @returns whether the task held a place, or could have */
  free(id: TaskId): boolean {
    this.#changed.add(id);
    return this.#tasks.delete(id);
  }

  /** Goes by what PostgreSQL says, except of tasks that were taken or freed while it was asked. */
  async look(read: () => Promise<readonly OccupyingTask[]>): Promise<void> {
    const changed = new Set<TaskId>();
    this.#changed = changed;
    const found = new Map((await read()).map(({ taskId, isIdle }) => [taskId, isIdle]));
    for (const id of this.#tasks.keys()) if (!found.has(id) && !changed.has(id)) this.#tasks.delete(id);
    for (const [id, isIdle] of found) if (!changed.has(id)) this.#tasks.set(id, isIdle);
  }
}
