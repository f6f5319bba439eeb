import type { Database } from '../database/transaction.ts';
import type { TaskId } from '../domain/ids.ts';
import type { QueueSettings } from '../domain/queues/queue-settings.ts';
import type { LoopLog } from '../domain/system/loop.ts';
import { SlotRepository } from '../entities/tasks/slot-repository.ts';
import type { WaitingJob } from '../entities/tasks/waiting-job.ts';
import { WaitingRepository } from '../entities/tasks/waiting-repository.ts';
import type { JobQueue } from '../redis/job-queue.ts';
import { type QueueDepth, queueSettingsVersion } from '../redis/queue-job.ts';
import type { SettingsCache } from './settings-cache.ts';

export interface IndexMenderOptions {
  readonly database: Database;
  readonly queue: JobQueue;
  readonly taskQueue: string;
  readonly settings: Pick<SettingsCache, 'current'>;
  readonly log: LoopLog;
}

/** Waiting tasks in one page of a rebuild. */
const PAGE_SIZE = 5_000;

/**
 * Keeps the index in Redis as PostgreSQL says: its marker, its settings, its jobs and its slots. Every step may be done
 * by several processes at once and broken off anywhere; whatever is missing then is done by the next look.
 */
export class IndexMender {
  readonly #options: IndexMenderOptions;
  /** Whether the last count found jobs missing: one count may meet a job on its way, two in a row do not. */
  #missingBefore = false;

  constructor(options: IndexMenderOptions) {
    this.#options = options;
  }

  /** Looks at the marker and the settings: what Redis lost, and what an operator changed, is made good. */
  async look(): Promise<void> {
    const { queue, settings } = this.#options;
    const current = await settings.current();
    const depth = await queue.depth();
    if (!depth.intact) await this.#rebuild(current, 'the index in Redis was gone');
    else if (depth.settingsVersion !== queueSettingsVersion(current)) await queue.applySettings(current);
  }

  /** Counts jobs, and compares slots. Costs PostgreSQL more than a look. */
  async count(): Promise<void> {
    const { queue, settings } = this.#options;
    const current = await settings.current();
    await this.#mendSlots(current);
    const depth = await queue.depth();
    if (!depth.intact) return;
    const missing = await this.#jobsAreMissing(depth);
    if (missing && this.#missingBefore) await this.#rebuild(current, 'jobs were missing in Redis');
    this.#missingBefore = missing && !this.#missingBefore;
    await this.#confirmSlots();
  }

  async #rebuild(settings: QueueSettings, why: string): Promise<void> {
    const { queue, taskQueue, log } = this.#options;
    const rebuilt = await queue.rebuild(this.#pages(), settings);
    if (rebuilt.outcome === 'finished') await this.#confirmSlots();
    log.warn({ taskQueue, ...rebuilt }, why);
  }

  async #mendSlots(settings: QueueSettings): Promise<void> {
    const { database, log } = this.#options;
    const single = database.single;
    const freed = await single.inSystem('reconcile', ({ em }) => new SlotRepository(em).freeStale(settings));
    if (freed > 0) log.warn({ slots: freed }, 'slots without an open task were freed');
    await single.inSystem('reconcile', ({ em }) => new SlotRepository(em).takeMissing(settings));
  }

  async #confirmSlots(): Promise<void> {
    const { database, queue, taskQueue } = this.#options;
    const held = await database.single.inSystem('reconcile', ({ em }) => new SlotRepository(em).held(taskQueue));
    await queue.confirmSlots(held.here, held.elsewhere);
  }

  async #jobsAreMissing(depth: QueueDepth): Promise<boolean> {
    const { database, taskQueue } = this.#options;
    const { high, normal, low } = depth.waiting;
    const waiting = await database.single.inSystem('reconcile', ({ em }) => new WaitingRepository(em).count(taskQueue));
    return high + normal + low + depth.leased < waiting;
  }

  /** The next page is read while Redis takes the one before. */
  async *#pages(): AsyncGenerator<WaitingJob[]> {
    let coming = this.#page(null);
    for (;;) {
      const page = await coming;
      const last = page.at(-1);
      if (last === undefined) return;
      const isLast = page.length < PAGE_SIZE;
      if (!isLast) {
        coming = this.#page(last.taskId);
        coming.catch(() => undefined);
      }
      yield page;
      if (isLast) return;
    }
  }

  #page(after: TaskId | null): Promise<WaitingJob[]> {
    const { database, taskQueue } = this.#options;
    return database.single.inSystem('reconcile', ({ em }) =>
      new WaitingRepository(em).page(taskQueue, after, PAGE_SIZE),
    );
  }
}
