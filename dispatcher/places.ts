import type { TaskId } from '../domain/ids.ts';
import type { OccupyingTask } from '../entities/tasks/occupied-places.ts';

/**
 * Tasks all of whose nodes wait hold no place, up to this many for each place and in all: what is known of them takes
 * little memory, and they may all continue at once.
 */
const WITHOUT_PLACE = { perPlace: 10, most: 5_000 };
/** Of so many places one is kept for urgent tasks, which may come while all others are held. */
const PLACES_PER_KEPT = 20;
/**
 * How many tasks that share an execution hold one place: they take turns on one event loop, and wait for nothing
 * outside.
 */
export const SHARED_PER_PLACE = 8;

/**
 * How a task is carried out, as far as its place is concerned. `urgent` ones were taken while the others were held
 * back.
 */
type Manner = 'alone' | 'urgent' | 'shared';

/**
 * The places of a dispatcher. A task holds one while it occupies it: from the lease of its job until its end is seen,
 * or until it is paused or waits for a person, a message or a time. Then it is forgotten here, and counted again when
 * it continues, even if no place is left. A task all of whose nodes wait (for a limit, a host, their next attempt) is
 * known and holds none. Tasks that share an execution hold parts of places.
 */
export class Places {
  readonly #capacity: number;
  readonly #kept: number;
  /** Urgent tasks that came while the others were held back. */
  readonly #urgent = new Set<TaskId>();
  readonly #shared = new Set<TaskId>();
  /** Whether each task was idle when it was last looked at. */
  readonly #tasks = new Map<TaskId, boolean>();
  /** What was taken, moved or freed since the look that is under way began: it is newer than what the look finds. */
  #changed = new Set<TaskId>();
  /** Places of candidates that are being claimed. */
  #reserved = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#kept = Math.floor(capacity / PLACES_PER_KEPT);
  }

  /** How many more tasks may be taken, whatever their band; below 0 when more work than there are places. */
  get room(): number {
    return this.#capacity - Math.max(0, this.#kept - this.#urgent.size) - this.taken - this.#reserved;
  }

  /** How many urgent tasks may be taken while the others are held back: one, and more where places are kept for them. */
  get urgentRoom(): number {
    return Math.min(Math.max(1, this.#kept) - this.#urgent.size, this.#capacity - this.taken - this.#reserved);
  }

  /** How many places are held. */
  get taken(): number {
    const { size } = this.#shared;
    return this.working - size + Math.ceil(size / SHARED_PER_PLACE);
  }

  /** How many tasks hold places, or parts of them. */
  get working(): number {
    return this.#tasks.size - this.#withoutPlace;
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

  take(ids: readonly TaskId[], manner: Manner = 'alone'): void {
    for (const id of ids) {
      if (manner === 'urgent') this.#urgent.add(id);
      if (manner === 'shared') this.#shared.add(id);
      this.#tasks.set(id, false);
      this.#changed.add(id);
    }
  }

  /** These tasks have left their shared execution: each holds a place of its own. */
  moveApart(ids: readonly TaskId[]): void {
    for (const id of ids) {
      this.#shared.delete(id);
      this.#changed.add(id);
    }
  }

  /** @returns whether the task held a place, or could have */
  free(id: TaskId): boolean {
    this.#changed.add(id);
    return this.#forget(id);
  }

  #forget(id: TaskId): boolean {
    this.#urgent.delete(id);
    this.#shared.delete(id);
    return this.#tasks.delete(id);
  }

  /**
   * Goes by what PostgreSQL says, except of tasks that were taken, moved or freed while it was asked. That a task has
   * left its shared execution in another process is known only from here.
   */
  async look(read: () => Promise<readonly OccupyingTask[]>): Promise<void> {
    const changed = new Set<TaskId>();
    this.#changed = changed;
    const found = await read();
    const known = new Set(found.map(({ taskId }) => taskId));
    for (const id of this.#tasks.keys()) if (!known.has(id) && !changed.has(id)) this.#forget(id);
    for (const { taskId, isIdle, isShared } of found) {
      if (changed.has(taskId)) continue;
      this.#tasks.set(taskId, isIdle);
      if (isShared) this.#shared.add(taskId);
      else this.#shared.delete(taskId);
    }
  }
}
