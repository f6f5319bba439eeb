import type { Database } from '../database/transaction.ts';
import type { LoopPulse } from '../domain/agents/liveness-stalls.ts';
import { errorMessage } from '../domain/errors.ts';
import type { TaskId } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import type { ReachFailpoint } from '../domain/system/failpoints.ts';
import { Loop } from '../domain/system/loop.ts';
import { isOccupyingTaskStatus, type OpenTaskStatus } from '../domain/tasks/task-status.ts';
import type { Claimant } from '../entities/tasks/claimant.ts';
import type { ClaimedTask } from '../entities/tasks/claimed-task.ts';
import { occupiedPlaces } from '../entities/tasks/occupied-places.ts';
import { ScheduleRepository } from '../entities/tasks/schedule-repository.ts';
import type { GraphCache } from '../operations/graphs/graph-cache.ts';
import type { RecordLog } from '../operations/record/recording.ts';
import { type Claims, claimTasks } from '../operations/tasks/claim.ts';
import type { JobQueue } from '../redis/job-queue.ts';
import { explain } from '../temporal/refusals.ts';
import { Candidates } from './candidates.ts';
import { Places } from './places.ts';
import type { SettingsCache } from './settings-cache.ts';
import { startAll } from './start-all.ts';
import type { StartTask } from './start-task.ts';
import type { StartVerdicts } from './start-verdicts.ts';

export interface DispatcherOptions {
  readonly database: Database;
  readonly graphs: GraphCache;
  readonly queue: JobQueue;
  readonly settings: SettingsCache;
  readonly start: StartTask;
  readonly verdicts: Pick<StartVerdicts, 'of' | 'startTaken'>;
  readonly claimant: Claimant;
  /** How many tasks this worker process carries out at once. */
  readonly capacity: number;
  readonly reach: ReachFailpoint;
  readonly log: DispatcherLog;
}

export interface DispatcherLog extends RecordLog {
  debug(facts: JsonObject, message: string): void;
  warn(facts: JsonObject, message: string): void;
}

export interface DispatcherLoad {
  readonly free: number;
  readonly claimed: number;
  /** Tasks all of whose nodes wait and that yet hold places, because there are more of them than may without one. */
  readonly heldPlaces: number;
}

/** Jobs in one lease, and rows in one claim. */
const BATCH_SIZE = 500;
/** Batches between lease and claim at once: one is claimed while the next one is leased. */
const MAX_BATCHES = 3;
/** Without a hint the queue is looked at this often; a hint makes it at once. */
const POLL_MS = 1_000;
/** How often a dispatcher asks PostgreSQL which tasks hold its places. */
const SWEEP_MS = 2_000;
/** How long a dispatcher rests whose claim failed: PostgreSQL is most likely away. */
const REST_MS = 1_000;
/** The same while Redis is unavailable and others were quicker with what PostgreSQL named. */
const CONTENDED_MS = 50;

/**
 * Moves tasks from the queue into execution: leases jobs in Redis, claims their rows in PostgreSQL, starts them. While
 * Redis is unavailable it asks PostgreSQL directly. It carries out at most `capacity` tasks: a task takes a place from its lease
 * until its end is seen, by `taskEnded` or by looking. One that is paused, or waits for a person, a message or a time, is
 * none of its tasks meanwhile; one all of whose nodes wait (for a limit, for a worker that hosts them, for their next
 * attempt) holds no place. When such a task continues, there may be some more than `capacity` for a while.
 *
 * If the process dies between lease and claim, the lease runs out; between claim and start, the reconciler starts the
 * task, and its job, should it still be in the index, comes back, is refused, and is taken out.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #candidates: Candidates;
  readonly #loop: Loop;
  readonly #places: Places;
  readonly #batches = new Set<Promise<void>>();
  /** Whether the last turn could do nothing before a batch has ended. */
  #held = false;
  #restUntil = 0;
  #claimed = 0;
  #sweptAt = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#places = new Places(options.capacity);
    this.#candidates = new Candidates(options);
    this.#loop = new Loop({ name: 'dispatcher', turn: () => this.#turn(), log: options.log, explain });
  }

  get pulse(): LoopPulse {
    return this.#loop.pulse;
  }

  /** How many tasks it could take now, and how many it has claimed since the start. */
  get load(): DispatcherLoad {
    const free = Math.max(0, this.#places.room);
    return { free, claimed: this.#claimed, heldPlaces: this.#places.heldByIdle };
  }

  start(): void {
    this.#loop.start();
  }

  /** Something may wait in the queue. */
  hint(): void {
    this.#loop.hint();
  }

  /** A task has ended, whoever claimed it: its place and its slots are free. */
  taskEnded(taskId: TaskId): void {
    this.#candidates.ended(taskId);
    if (this.#places.free(taskId)) this.#loop.hint();
  }

  /** An open task continues in this process, or waits now: it takes a place, or gives its place up, and slots with it. */
  taskMoved(taskId: TaskId, status: OpenTaskStatus, slots: readonly string[]): void {
    this.#candidates.moved(taskId, slots);
    if (isOccupyingTaskStatus(status)) this.#places.take([taskId]);
    else if (this.#places.free(taskId)) this.#loop.hint();
  }

  /** Takes nothing more. What is claimed and not started by then is left to the reconciler of another worker. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    await Promise.all(this.#batches);
    await this.#candidates.settled();
  }

  async #turn(): Promise<number> {
    await this.#sweep();
    const rest = this.#restUntil - performance.now();
    if (rest > 0) return rest;
    await this.#options.reach('before_lease');
    const room = Math.min(this.#places.room, BATCH_SIZE);
    this.#held = room <= 0 || this.#batches.size >= this.#maxBatches();
    if (this.#held) return SWEEP_MS;
    const ids = await this.#candidates.next(room);
    if (ids.length > 0) this.#carryOn(ids);
    return ids.length === room || this.#candidates.hasMore ? 0 : POLL_MS + this.#candidates.patienceMs;
  }

  /** PostgreSQL names the same tasks until they are claimed; Redis does not. */
  #maxBatches(): number {
    return this.#candidates.redisAway ? 1 : MAX_BATCHES;
  }

  #carryOn(ids: readonly TaskId[]): void {
    this.#places.reserve(ids.length);
    const batch = this.#claimAndStart(ids)
      .catch((error: unknown) => this.#giveUp(ids, error))
      .finally(() => {
        this.#batches.delete(batch);
        if (this.#held) this.#loop.hint();
      });
    this.#batches.add(batch);
  }

  async #claimAndStart(ids: readonly TaskId[]): Promise<void> {
    const { claimed, refused } = await claimTasks(this.#options, ids).finally(() => {
      this.#places.release(ids.length);
    });
    this.#places.take(claimed.map((task) => task.execution.taskId));
    this.#claimed += claimed.length;
    if (claimed.length === 0 && this.#candidates.redisAway) this.#rest(CONTENDED_MS);
    await this.#begin(claimed);
    await this.#failRefused(refused);
    const taken = new Set(claimed.map((task) => task.execution.taskId));
    await this.#candidates.turnAway(
      ids.filter((id) => !taken.has(id)),
      ids.length,
    );
  }

  /**
   * They end as failed, with what follows from that; the claim's turn-away takes their jobs out of the index. One whose end
   * is refused too comes again, after a rest, and holds up none of the others.
   */
  async #failRefused(refused: Claims['refused']): Promise<void> {
    const { database, log } = this.#options;
    for (const { taskId, failure } of refused) {
      log.warn({ taskId, error: failure.message }, 'a task can never be claimed; it ends as failed');
      try {
        const failed = await database.single.inSystem('dispatch', ({ em }) =>
          new ScheduleRepository(em).fail(taskId, failure),
        );
        if (failed !== null) this.#candidates.ended(taskId);
      } catch (error) {
        this.#rest(REST_MS);
        log.warn({ taskId, error: errorMessage(error) }, 'the end of a task that cannot be claimed was not written');
      }
    }
  }

  /** Tells the index first: the end of a task, which may come quickly, must find it as started there. */
  async #begin(claimed: readonly ClaimedTask[]): Promise<void> {
    if (claimed.length === 0) return;
    await this.#options.reach('after_claim_before_acknowledge');
    await this.#candidates.started(claimed.map((task) => task.execution.taskId));
    const ended = (taskId: TaskId) => this.taskEnded(taskId);
    const stopping = () => this.#loop.stopping;
    startAll({ ...this.#options, ended, stopping }, claimed).catch((error: unknown) => {
      this.#options.log.warn(
        { error: errorMessage(error) },
        'claimed tasks could not be started; the reconciler will start them',
      );
    });
  }

  async #giveUp(ids: readonly TaskId[], error: unknown): Promise<void> {
    this.#rest(REST_MS);
    this.#options.log.warn(
      { error: errorMessage(error) },
      'a batch could not be claimed; its jobs return to the queue',
    );
    await this.#candidates.giveBack(ids, REST_MS);
  }

  #rest(milliseconds: number): void {
    this.#restUntil = performance.now() + milliseconds;
  }

  async #sweep(): Promise<void> {
    if (performance.now() - this.#sweptAt < SWEEP_MS) return;
    this.#sweptAt = performance.now();
    const { database, claimant } = this.#options;
    await this.#places.look(() =>
      database.single.inSystem('dispatch', ({ em }) => occupiedPlaces(em, claimant.workerId)),
    );
  }
}
