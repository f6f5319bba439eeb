import type { Database } from '../database/transaction.ts';
import { errorMessage } from '../domain/errors.ts';
import type { TaskId } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import type { ReachFailpoint } from '../domain/system/failpoints.ts';
import { Loop } from '../domain/system/loop.ts';
import { isOccupyingTaskStatus, type OpenTaskStatus } from '../domain/tasks/task-status.ts';
import type { Claimant } from '../entities/tasks/claimant.ts';
import type { ClaimedTask } from '../entities/tasks/claimed-task.ts';
import { occupiedPlaces } from '../entities/tasks/occupied-places.ts';
import { SuspectRepository } from '../entities/tasks/suspect-repository.ts';
import type { GraphCache } from '../operations/graphs/graph-cache.ts';
import type { RecordLog } from '../operations/record/recording.ts';
import { type Claims, claimTasks } from '../operations/tasks/claim.ts';
import type { JobQueue } from '../redis/job-queue.ts';
import { explain } from '../temporal/refusals.ts';
import { Candidates } from './candidates.ts';
import { endUnclaimable } from './end-unclaimable.ts';
import { Places } from './places.ts';
import type { SettingsCache } from './settings-cache.ts';
import { Shares, type Split } from './shares.ts';
import { startAll } from './start-all.ts';
import type { StartTask } from './start-task.ts';
import type { StartTogether } from './start-together.ts';
import type { StartVerdicts } from './start-verdicts.ts';

export interface DispatcherOptions {
  readonly database: Database;
  readonly graphs: GraphCache;
  readonly queue: JobQueue;
  readonly settings: SettingsCache;
  readonly start: StartTask;
  readonly startTogether: StartTogether;
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

/** How many tasks a batch of leased jobs may claim, and how. */
interface BatchRoom {
  readonly places: number;
  /** Whether they were taken while other tasks are held back: then each runs alone, and holds nothing back. */
  readonly isUrgent: boolean;
}

interface ClaimedBatch extends Claims, Split {
  /** The tasks to claim: as many as there are places for. */
  readonly ids: readonly TaskId[];
}

/** Jobs in one lease, and rows in one claim. */
const BATCH_SIZE = 500;
/** Batches between lease and claim at once: one is claimed while the next one is leased. */
const MAX_BATCHES = 3;
/** Without a hint the queue is looked at this often; a hint makes it at once. */
const POLL_MS = 1_000;
/** How often a dispatcher asks PostgreSQL which tasks hold its places, and whether they may share executions. */
const SWEEP_MS = 2_000;
/** How long a dispatcher rests whose claim failed: PostgreSQL is most likely away. */
const REST_MS = 1_000;
/** The same while Redis is unavailable and others were quicker with what PostgreSQL named. */
const CONTENDED_MS = 50;

/**
 * Moves tasks from the queue into execution: leases jobs in Redis, claims their rows in PostgreSQL, starts them. While
 * Redis is unavailable it asks PostgreSQL directly. It carries out at most `capacity` tasks: a task takes a place from
 * its lease until its end is seen, by `taskEnded` or by looking. A task that is paused, or waits for a person, a
 * message or a time, does not count meanwhile. A task all of whose nodes wait (for a limit, for a worker that hosts
 * them, for their next attempt) holds no place, and tasks that share an execution hold parts of places. When a task
 * continues, there may be a few more than `capacity` for a while. A few urgent tasks are taken even while all others
 * are held back; one place of twenty is kept for them.
 *
 * If the process dies between lease and claim, the lease runs out. Between claim and start, the reconciler starts the
 * task; its job, should it still be in the index, comes back, is refused, and is taken out.
 */
export class Dispatcher extends Loop {
  readonly #options: DispatcherOptions;
  readonly #candidates: Candidates;
  readonly #places: Places;
  readonly #shares: Shares;
  readonly #batches = new Set<Promise<void>>();
  /** Whether the last turn could do nothing before a batch has ended. */
  #held = false;
  #takesUrgent = false;
  #restUntil = 0;
  #claimed = 0;
  #sweptAt = 0;

  constructor(options: DispatcherOptions) {
    super({ name: 'dispatcher', turn: () => this.#turn(), log: options.log, explain });
    this.#options = options;
    this.#places = new Places(options.capacity);
    this.#shares = new Shares({ ...options, stopping: () => this.stopping });
    this.#candidates = new Candidates(options);
  }

  /** How many tasks it could take now, and how many it has claimed since the start. */
  get load(): DispatcherLoad {
    return { free: Math.max(0, this.#places.room), claimed: this.#claimed, heldPlaces: this.#places.heldByIdle };
  }

  /** A task has ended, no matter which process claimed it: its place and its slots are free. */
  taskEnded(taskId: TaskId): void {
    this.#candidates.ended(taskId);
    this.#gone(taskId);
  }

  /** An open task continues in this process, or waits now: it takes a place, or gives its place up, and slots with it. */
  taskMoved(taskId: TaskId, status: OpenTaskStatus, slots: readonly string[]): void {
    this.#candidates.moved(taskId, slots);
    if (isOccupyingTaskStatus(status)) this.#places.take([taskId]);
    else this.#gone(taskId);
  }

  /** A shared execution has written a wave: another one may begin, with what has gathered meanwhile. */
  waveWritten(carrier: string): void {
    if (this.#shares.wrote(carrier)) this.hint();
  }

  #gone(taskId: TaskId): void {
    const wasLast = this.#shares.left(taskId);
    if (this.#places.free(taskId) && (wasLast || this.#shares.holdMs === 0)) this.hint();
  }

  /** Tasks have left their shared execution: each gets an execution, and a place, of its own. */
  async tasksLeft(ids: readonly TaskId[]): Promise<void> {
    if (ids.length === 0) return;
    for (const id of ids) this.#shares.left(id);
    const { database } = this.#options;
    const found = await database.single.inSystem('dispatch', ({ em }) => new SuspectRepository(em).findOpen(ids));
    this.#places.moveApart(idsOf(found));
    this.#startAlone(found);
  }

  /** Takes nothing more. What is claimed and not started by then is left to the reconciler of another worker. */
  override async stop(): Promise<void> {
    await super.stop();
    await Promise.all(this.#batches);
    await this.#candidates.settled();
  }

  async #turn(): Promise<number> {
    await this.#sweep();
    const rest = this.#restUntil - performance.now();
    if (rest > 0) return rest;
    await this.#options.reach('before_lease');
    const { room } = this.#places;
    const { holdMs } = this.#shares;
    this.#held = room <= 0 || this.#batches.size >= this.#maxBatches() || holdMs > 0;
    if (this.#held) {
      await this.#takeUrgent();
      return holdMs > 0 ? holdMs : SWEEP_MS;
    }
    const wanted = Math.min(this.#shares.appetite(room), BATCH_SIZE);
    const batches = await this.#candidates.next(wanted);
    const found = batches.flat().length;
    for (const ids of batches) {
      const places = Math.min(ids.length, Math.ceil((room * ids.length) / found));
      this.#carryOn(ids, { places, isUrgent: false });
    }
    return found === wanted || this.#candidates.hasMore ? 0 : POLL_MS + this.#candidates.patienceMs;
  }

  /** An urgent task waits for no other: neither for its place, nor for its claim, nor for those that share an execution. */
  async #takeUrgent(): Promise<void> {
    const room = this.#takesUrgent ? 0 : this.#places.urgentRoom;
    if (room <= 0) return;
    const ids = await this.#candidates.urgent(room);
    if (ids.length === 0) return;
    this.#takesUrgent = true;
    this.#carryOn(ids, { places: ids.length, isUrgent: true });
  }

  /** PostgreSQL names the same tasks until they are claimed; Redis does not. What is to share an execution is one batch. */
  #maxBatches(): number {
    return this.#candidates.redisAway || this.#shares.isLikely ? 1 : MAX_BATCHES;
  }

  #carryOn(ids: readonly TaskId[], room: BatchRoom): void {
    this.#places.reserve(room.places);
    const batch = this.#claimAndStart(ids, room)
      .catch((error: unknown) => this.#giveUp(ids, error))
      .finally(() => {
        if (room.isUrgent) this.#takesUrgent = false;
        this.#batches.delete(batch);
        if (this.#held) this.hint();
      });
    this.#batches.add(batch);
  }

  async #claimAndStart(leased: readonly TaskId[], room: BatchRoom): Promise<void> {
    const { ids, claimed, refused, ...split } = await this.#claim(leased, room);
    if (claimed.length > 0) await this.#begin(split);
    const ended = (taskId: TaskId) => this.#candidates.ended(taskId);
    if (!(await endUnclaimable({ ...this.#options, ended }, refused))) this.#rest(REST_MS);
    await this.#candidates.turnAway(without(ids, idsOf(claimed)), ids.length);
  }

  async #claim(leased: readonly TaskId[], { places, isUrgent }: BatchRoom): Promise<ClaimedBatch> {
    try {
      const ids = await this.#shares.choose(leased, places);
      await this.#candidates.giveBack(without(leased, ids), 0);
      const claims = await claimTasks(this.#options, ids);
      const { claimed } = claims;
      const split = isUrgent
        ? { together: [], alone: claimed }
        : await this.#shares.split(claimed, this.#places.working + claimed.length);
      this.#places.take(idsOf(split.alone), isUrgent ? 'urgent' : 'alone');
      this.#places.take(idsOf(split.together.flat()), 'shared');
      this.#claimed += claimed.length;
      if (claimed.length === 0 && this.#candidates.redisAway) this.#rest(CONTENDED_MS);
      return { ids, ...claims, ...split };
    } finally {
      this.#places.release(places);
    }
  }

  /** Tells the index first: the end of a task, which may come quickly, must find it as started there. */
  async #begin({ together, alone }: Split): Promise<void> {
    await this.#options.reach('after_claim_before_acknowledge');
    await this.#candidates.started([...idsOf(alone), ...idsOf(together.flat())]);
    this.#startAlone(alone);
    for (const tasks of together) {
      const started = this.#shares.start(tasks).then((left) => this.tasksLeft(left));
      started.catch((error: unknown) => this.#leaveToReconciler(error));
    }
  }

  #startAlone(tasks: readonly ClaimedTask[]): void {
    const ended = (taskId: TaskId) => this.taskEnded(taskId);
    const stopping = () => this.stopping;
    startAll({ ...this.#options, ended, stopping }, tasks).catch((error: unknown) => this.#leaveToReconciler(error));
  }

  #leaveToReconciler(error: unknown): void {
    this.#options.log.warn(
      { error: errorMessage(error) },
      'could not start claimed tasks; the reconciler will start them',
    );
  }

  async #giveUp(ids: readonly TaskId[], error: unknown): Promise<void> {
    this.#rest(REST_MS);
    this.#options.log.warn(
      { error: errorMessage(error) },
      'could not claim a batch of tasks; its jobs return to the queue',
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
    const occupied = () => database.single.inSystem('dispatch', ({ em }) => occupiedPlaces(em, claimant.workerId));
    await Promise.all([this.#places.look(occupied), this.#shares.look()]);
  }
}

function idsOf(tasks: readonly ClaimedTask[]): TaskId[] {
  return tasks.map(({ execution }) => execution.taskId);
}

function without(ids: readonly TaskId[], others: readonly TaskId[]): TaskId[] {
  return [...new Set(ids).difference(new Set(others))];
}
