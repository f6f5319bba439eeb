import { GroupCommit } from '../database/group-commit.ts';
import type { Database } from '../database/transaction.ts';
import { errorMessage } from '../domain/errors.ts';
import type { TaskId } from '../domain/ids.ts';
import type { LoopLog } from '../domain/system/loop.ts';
import { ClaimRepository, type Standing } from '../entities/tasks/claim-repository.ts';
import type { Claimant, ReadyTurn } from '../entities/tasks/claimant.ts';
import { WaitingRepository } from '../entities/tasks/waiting-repository.ts';
import type { JobQueue, LeasedJob } from '../redis/job-queue.ts';
import { RedisUnreachable } from '../redis/redis-errors.ts';
import type { SettingsCache } from './settings-cache.ts';

export interface CandidatesOptions {
  readonly database: Database;
  readonly queue: JobQueue;
  readonly settings: Pick<SettingsCache, 'current'>;
  readonly claimant: Claimant;
  readonly log: LoopLog;
}

/** How long a dispatcher has to claim what it leased. After a crash its jobs wait this long. */
const LEASE_MS = 10_000;
/** Ended tasks of which Redis is told in one call. */
const RELEASED_AT_ONCE = 500;
/** The delay of a job that found no room in PostgreSQL after all. */
const NO_ROOM_MS = 200;
/**
 * The delay of a job that this worker cannot carry out. It grows with the number of such jobs at the head of the queue,
 * so that the ones behind them are seen, however many there are.
 */
const ELSEWHERE_MS = { first: 300, most: 10_000 };
/** Without Redis, one of so many starts goes to the lowest band, and to what has waited longest. */
const STARTS_PER_TURN = { lowest: 20, longest: 10 };
/** How often the log says that this worker meets tasks which it cannot carry out. */
const TELL_MISSING_MS = 60_000;
/** Added to a poll: every other dispatcher looks once between a job's return and the next look of who gave it back. */
const AFTER_ELSEWHERE_MS = 500;

/**
 * Where a dispatcher finds what it may claim, and where it reports what became of it: the index in Redis, or PostgreSQL
 * while Redis does not answer or answers with anything but jobs. A report that does not reach Redis makes no difference
 * in the end: the next claim refuses a job too many, and slots are compared with PostgreSQL's.
 */
export class Candidates {
  readonly #options: CandidatesOptions;
  readonly #released = new GroupCommit<TaskId, void>({
    max: RELEASED_AT_ONCE,
    write: async (ids) => {
      await this.#tell((queue) => queue.released(ids));
      return ids.map(() => undefined);
    },
  });
  /** What kind of outage the last look met; null when Redis answered. */
  #outage: string | null = null;
  #elsewhereMs = 0;
  #missingToldUntil = 0;
  /** Turns of tasks that would start later by their band, since PostgreSQL is asked. */
  readonly #dueAlone = { lowest: 0, longest: 0 };
  #hasMore = false;

  constructor(options: CandidatesOptions) {
    this.#options = options;
  }

  /** Whether the last look found Redis unavailable. */
  get redisAway(): boolean {
    return this.#outage !== null;
  }

  /** How much longer than usual to wait for the next look, so that others see what was given back for them. */
  get patienceMs(): number {
    return this.#elsewhereMs > 0 ? AFTER_ELSEWHERE_MS : 0;
  }

  /** Whether the last look was for a turn alone, and another one may find more. */
  get hasMore(): boolean {
    return this.#hasMore;
  }

  /**
   * Tasks that may be claimable, first to start first; the urgent ones in a batch of their own, so that they need not wait
   * for the claims of many. Those of Redis are nobody else's for a while.
   */
  async next(limit: number): Promise<TaskId[][]> {
    const jobs = await this.#lease(limit, false);
    if (jobs === null) return nonEmpty([await this.#ready(limit)]);
    this.#hasMore = false;
    const idsOf = (isUrgent: boolean) =>
      jobs.filter(({ band }) => (band === 'high') === isUrgent).map((job) => job.taskId);
    return nonEmpty([idsOf(true), idsOf(false)]);
  }

  /** The same of urgent tasks alone. */
  async urgent(limit: number): Promise<TaskId[]> {
    const jobs = await this.#lease(limit, true);
    return jobs === null ? this.#readyInTurn('urgent', limit) : jobs.map((job) => job.taskId);
  }

  /** Null while Redis is unavailable. */
  async #lease(max: number, urgent: boolean): Promise<LeasedJob[] | null> {
    const { queue, log } = this.#options;
    try {
      const jobs = await queue.lease({ max, leaseMs: LEASE_MS, urgent });
      if (this.#outage !== null) log.warn({}, 'Redis answers again; tasks are taken from its queue');
      this.#outage = null;
      return jobs;
    } catch (error) {
      const outage = error instanceof RedisUnreachable ? error.kind : 'unknown';
      if (this.#outage !== outage) {
        log.warn({ error: errorMessage(error) }, 'Redis is unavailable; tasks are taken from PostgreSQL');
      }
      this.#outage = outage;
      return null;
    }
  }

  /** Counts starts as the queue does; where several tasks compete for one slot, a turn must be asked for alone. */
  async #ready(limit: number): Promise<TaskId[]> {
    for (const turn of ['lowest', 'longest'] as const) {
      const due = Math.min(limit, Math.floor(this.#dueAlone[turn]));
      const found = due > 0 ? await this.#readyInTurn(turn, due) : [];
      if (due > 0) this.#dueAlone[turn] -= Math.max(1, found.length);
      this.#hasMore = found.length > 0;
      if (this.#hasMore) return found;
    }
    return this.#readyInTurn('highest', limit);
  }

  async #readyInTurn(turn: ReadyTurn, limit: number): Promise<TaskId[]> {
    const { database, settings, claimant } = this.#options;
    const current = await settings.current();
    return database.single.inSystem('dispatch', ({ em }) =>
      new ClaimRepository(em).ready(claimant, current, { limit, turn }),
    );
  }

  /** These are claimed. */
  started(ids: readonly TaskId[]): Promise<void> {
    if (this.redisAway) {
      this.#dueAlone.lowest += ids.length / STARTS_PER_TURN.lowest;
      this.#dueAlone.longest += ids.length / STARTS_PER_TURN.longest;
    }
    return this.#tell((queue) => queue.started(ids));
  }

  /**
   * This one has ended, so that the next with its keys may start at once. Ends that come while Redis is told of others
   * share the next call. Their outbox rows say it again.
   */
  ended(taskId: TaskId): void {
    this.#released.add(taskId).catch(() => undefined);
  }

  /** An open task holds these slots and no others. The next comparison with PostgreSQL says it again. */
  moved(taskId: TaskId, slots: readonly string[]): void {
    this.#tell((queue) => queue.holds(taskId, slots)).catch(() => undefined);
  }

  /** When Redis was told of the ends so far. */
  settled(): Promise<void> {
    return this.#released.idle();
  }

  /** These were not claimed and may be tried again, not before this time has passed. */
  giveBack(ids: readonly TaskId[], delayMs: number): Promise<void> {
    return this.#tell((queue) => queue.giveBack(ids, { delayMs }));
  }

  /**
   * Jobs whose claim was refused, of a lease of this size. What no longer waits leaves the index; should it wait again
   * by then, because it was resumed at this very moment, it is put back. What another worker hosts goes back for it.
   * What had no room in PostgreSQL comes again soon.
   */
  async turnAway(ids: readonly TaskId[], leased: number): Promise<void> {
    if (ids.length < leased) this.#elsewhereMs = 0;
    if (ids.length === 0 || this.redisAway) return;
    const { database, claimant } = this.#options;
    const standing = await database.single.inSystem('dispatch', ({ em }) =>
      new ClaimRepository(em).standing(ids, claimant),
    );
    const unhosted = standing.filter((task) => !task.hosted).map((task) => task.taskId);
    const crowded = standing.filter((task) => task.hosted).map((task) => task.taskId);
    this.#tellMissing(standing);
    this.#elsewhereMs = unhosted.length === leased ? nextDelay(this.#elsewhereMs) : 0;
    await this.giveBack(unhosted, Math.max(this.#elsewhereMs, ELSEWHERE_MS.first));
    await this.giveBack(crowded, NO_ROOM_MS);
    const waiting = new Set(standing.map((task) => task.taskId));
    await this.#takeOut(ids.filter((id) => !waiting.has(id)));
  }

  #tellMissing(standing: readonly Standing[]): void {
    const missing = [...new Set(standing.flatMap((task) => task.missing))];
    if (missing.length === 0 || performance.now() < this.#missingToldUntil) return;
    this.#missingToldUntil = performance.now() + TELL_MISSING_MS;
    const facts = { tasks: standing.filter((task) => !task.hosted).length, missing: missing.slice(0, 10) };
    this.#options.log.warn(facts, 'tasks on this task queue need agents or tools that this worker does not host');
  }

  async #takeOut(ids: readonly TaskId[]): Promise<void> {
    if (ids.length === 0) return;
    await this.#tell((queue) => queue.acknowledge(ids));
    const back = await this.#options.database.single.inSystem('dispatch', ({ em }) =>
      new WaitingRepository(em).among(ids),
    );
    if (back.length > 0) await this.#tell((queue) => queue.enqueue(back));
  }

  async #tell(say: (queue: JobQueue) => Promise<unknown>): Promise<void> {
    if (this.redisAway) return;
    await say(this.#options.queue).catch((error: unknown) => {
      this.#options.log.warn(
        { error: errorMessage(error) },
        'could not update the queue in Redis; its leases will expire',
      );
    });
  }
}

function nonEmpty(batches: readonly TaskId[][]): TaskId[][] {
  return batches.filter(({ length }) => length > 0);
}

function nextDelay(before: number): number {
  return before === 0 ? ELSEWHERE_MS.first : Math.min(2 * before, ELSEWHERE_MS.most);
}
