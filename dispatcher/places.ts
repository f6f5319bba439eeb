import type { TaskId } from '../domain/ids.ts';
import type { OpenTask } from '../entities/tasks/claim-repository.ts';

/**
 * Tasks that wait hold no place, up to this many for each place and in all: what is known of them takes little memory, and
 * they may all go on at once.
 */
const WITHOUT_PLACE = { perPlace: 10, most: 5_000 };

/**
 * The places of a dispatcher. A task holds one while it works: from the lease of its job until its end is seen. One that
 * waits holds none, and holds one again when it goes on, even if there are none left.
 */
export class Places {
  readonly #capacity: number;
  readonly #tasks = new Set<TaskId>();
  /** Those of them that waited when they were last looked at. */
  #waiting = new Set<TaskId>();
  /** Places of candidates that are being claimed. */
  #reserved = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The tasks that are under way, those that wait included. */
  get tasks(): readonly TaskId[] {
    return [...this.#tasks];
  }

  /** How many more tasks may be taken; below 0 when more work than there are places. */
  get room(): number {
    return this.#capacity - (this.#tasks.size - this.#withoutPlace) - this.#reserved;
  }

  /** How many tasks wait and hold places for which others wait, because too many of them do. */
  get heldByWaiting(): number {
    return this.room > 0 ? 0 : this.#waiting.size - this.#withoutPlace;
  }

  get #withoutPlace(): number {
    return Math.min(this.#waiting.size, WITHOUT_PLACE.most, WITHOUT_PLACE.perPlace * this.#capacity);
  }

  reserve(count: number): void {
    this.#reserved += count;
  }

  /** Undoes {@link reserve}. */
  release(count: number): void {
    this.#reserved -= count;
  }

  take(ids: readonly TaskId[]): void {
    for (const id of ids) this.#tasks.add(id);
  }

  /** @returns whether the task was among those under way */
  free(id: TaskId): boolean {
    this.#waiting.delete(id);
    return this.#tasks.delete(id);
  }

  /** Takes over what a look at these tasks found: those that are open no more hold no place. */
  see(looked: readonly TaskId[], open: readonly OpenTask[]): void {
    const known = new Set(open.map(({ taskId }) => taskId));
    for (const id of looked) if (!known.has(id)) this.#tasks.delete(id);
    const waiting = open.filter(({ taskId, isIdle }) => isIdle && this.#tasks.has(taskId));
    this.#waiting = new Set(waiting.map(({ taskId }) => taskId));
  }
}
