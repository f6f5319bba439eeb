import { v7 as uuid } from 'uuid';
import type { Database } from '../database/transaction.ts';
import type { TaskId } from '../domain/ids.ts';
import type { QueueSettings } from '../domain/queues/queue-settings.ts';
import type { LoopLog } from '../domain/system/loop.ts';
import { SlotRepository } from '../entities/tasks/slot-repository.ts';
import { freeStaleSlots } from '../entities/tasks/statements/free-stale-slots.ts';
import { takeMissingSlots } from '../entities/tasks/statements/take-missing-slots.ts';
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

/** How long the process that compares may be silent before another one does: more than two counts. */
const COMPARER_MS = 12_000;
/** Claims may go by settings that are a second old, so slots are mended at two counts after a change of settings. */
const COUNTS_AFTER_CHANGE = 2;
/** Slots that something from outside changed are found every minute. */
const THOROUGH_EVERY_COUNTS = 12;
/** Waiting tasks in one page of a rebuild. */
const PAGE_SIZE = 5_000;

/**
 * Keeps the index in Redis as PostgreSQL says: its marker, its settings, its jobs and its slots. Every step may be done
 * by several processes at once and broken off anywhere; whatever is missing then is done by the next look.
 */
export class IndexMender {
  readonly #options: IndexMenderOptions;
  readonly #process = uuid();
  #settingsVersion = '';
  /** Counts since the settings changed, or since the process began. */
  #counts = 0;
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
    if (!depth.intact) await this.#rebuild(current, 'it was missing');
    else if (depth.settingsVersion !== queueSettingsVersion(current)) await queue.applySettings(current);
  }

  /**
   * Counts jobs, and compares slots. It reads every slot and every open task with a limited key, so one process does it for
   * all: what it costs does not grow with the workers. After a change of the settings each process mends the slots, with
   * Redis or without. While Redis is unavailable nobody can be chosen, so each process mends them every minute, too.
   */
  async count(): Promise<void> {
    const { queue, settings } = this.#options;
    const current = await settings.current();
    const counts = this.#countsOf(current);
    if (counts <= COUNTS_AFTER_CHANGE) await this.#mendSlots(current);
    const isThorough = counts % THOROUGH_EVERY_COUNTS === 0;
    const isComparer = await queue.isComparer(this.#process, COMPARER_MS).catch(async (error: unknown) => {
      if (isThorough) await this.#mendSlots(current);
      throw error;
    });
    if (!isComparer) return;
    if (isThorough) await this.#mendSlots(current);
    const depth = await queue.depth();
    if (!depth.intact) return;
    const missing = await this.#jobsAreMissing(depth);
    if (missing && this.#missingBefore) await this.#rebuild(current, 'jobs were missing');
    this.#missingBefore = missing && !this.#missingBefore;
    await this.#confirmSlots();
  }

  #countsOf(settings: QueueSettings): number {
    const version = queueSettingsVersion(settings);
    this.#counts = version === this.#settingsVersion ? this.#counts + 1 : 1;
    this.#settingsVersion = version;
    return this.#counts;
  }

  async #rebuild(settings: QueueSettings, why: string): Promise<void> {
    const { queue, taskQueue, log } = this.#options;
    const rebuilt = await queue.rebuild(this.#pages(), settings);
    const isWhole = rebuilt.outcome === 'finished';
    if (isWhole) await this.#confirmSlots();
    const what = isWhole ? 'rebuilt the Redis index' : 'could not finish rebuilding the Redis index; retrying';
    log.warn({ taskQueue, ...rebuilt }, `${what}: ${why}`);
  }

  async #mendSlots(settings: QueueSettings): Promise<void> {
    const { database, log } = this.#options;
    const single = database.single;
    const freed = await single.inSystem('reconcile', ({ em }) => freeStaleSlots(em, settings));
    if (freed > 0) log.warn({ slots: freed }, 'freed slots without an open task');
    await single.inSystem('reconcile', ({ em }) => takeMissingSlots(em, settings));
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
