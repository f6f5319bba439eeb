import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { v7 as uuid } from 'uuid';
import type { GraphCache } from '../database/graph-cache.ts';
import type { Database } from '../database/transaction.ts';
import { type RecordLog, withRecord } from '../database/with-record.ts';
import { errorMessage, hasErrorCode } from '../domain/errors.ts';
import type { TaskId, TraceId } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import type { ReachFailpoint } from '../domain/system/failpoints.ts';
import { type Claimant, type ClaimedTask, ClaimRepository } from '../entities/tasks/claim-repository.ts';
import type { JobQueue } from '../redis/job-queue.ts';
import { endFromOutside, finalStartFailure } from './end-task.ts';
import { Loop } from './loop.ts';
import { startTask } from './start-task.ts';

export interface DispatcherOptions {
  readonly database: Database;
  readonly graphs: GraphCache;
  readonly queue: JobQueue;
  readonly client: Client;
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

/** How long a dispatcher has to claim what it leased. After a crash its jobs wait this long. */
const LEASE_MS = 10_000;
/** Jobs in one lease, and rows in one claim. */
const BATCH_SIZE = 100;
/** Without a hint the queue is looked at this often; a hint makes it at once. */
const POLL_MS = 1_000;
/** How often a full dispatcher asks PostgreSQL which of its tasks ended elsewhere. */
const SWEEP_MS = 2_000;
/** How long a job that this worker cannot carry out stays away, so that the ones behind it can be seen. */
const ELSEWHERE_MS = 300;
/** Every other dispatcher looks once between a job's return and the next look of the one that gave it back. */
const AFTER_ELSEWHERE_MS = ELSEWHERE_MS + POLL_MS + 200;
const START_BACK_OFF_MS = { first: 200, most: 5_000 };

/**
 * Moves tasks from the queue into execution: leases jobs in Redis, claims their rows in PostgreSQL, starts their
 * workflows. While Redis is away it asks PostgreSQL directly. It holds at most `capacity` tasks: a task takes a place
 * from its claim until its end is seen, by `taskEnded` or by looking.
 *
 * If the process dies between lease and claim, the lease runs out; between claim and start, the reconciler starts the
 * workflow; between start and acknowledgement, the job comes back, its claim is refused, and it is acknowledged then.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #loop: Loop;
  readonly #inFlight = new Set<TaskId>();
  #redisAway = false;
  #sweptAt = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#loop = new Loop('dispatcher', options.log, () => this.#turn());
  }

  start(): void {
    this.#loop.start();
  }

  /** Something may wait in the queue. */
  hint(): void {
    this.#loop.hint();
  }

  /** A task has ended: its place is free. */
  taskEnded(taskId: TaskId): void {
    if (this.#inFlight.delete(taskId)) this.#loop.hint();
  }

  /** Takes nothing more. What is claimed and not started by then is left to the reconciler of another worker. */
  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #turn(): Promise<number> {
    await this.#sweep();
    const free = Math.min(this.#options.capacity - this.#inFlight.size, BATCH_SIZE);
    if (free <= 0) return SWEEP_MS;
    const candidates = await this.#candidates(free);
    if (candidates.length === 0) return POLL_MS;
    const claimed = await this.#claim(candidates);
    const taken = new Set(claimed.map((task) => task.execution.taskId));
    for (const taskId of taken) this.#inFlight.add(taskId);
    this.#startAll(claimed).catch((error: unknown) => {
      this.#options.log.warn({ error: errorMessage(error) }, 'claimed tasks are left to the reconciler');
    });
    const elsewhere = await this.#turnAway(candidates.filter((id) => !taken.has(id)));
    if (candidates.length === free && claimed.length > 0) return 0;
    return elsewhere > 0 ? AFTER_ELSEWHERE_MS : POLL_MS;
  }

  async #candidates(limit: number): Promise<TaskId[]> {
    const { queue, database, claimant, log } = this.#options;
    try {
      const jobs = await queue.lease({ max: limit, leaseMs: LEASE_MS });
      this.#redisAway = false;
      return jobs.map((job) => job.taskId);
    } catch (error) {
      if (!hasErrorCode(error) || error.code !== 'service_unreachable') throw error;
      if (!this.#redisAway) log.warn({ error: error.message }, 'Redis is away; tasks are taken from PostgreSQL');
      this.#redisAway = true;
    }
    const ready = await database.single.inSystem('dispatch', ({ em }) =>
      new ClaimRepository(em).ready(claimant, limit),
    );
    return ready.map((task) => task.taskId);
  }

  async #claim(ids: readonly TaskId[]): Promise<ClaimedTask[]> {
    try {
      return await this.#claimTogether(ids);
    } catch (error) {
      if (ids.length === 1 || !isUniqueViolation(error)) throw error;
    }
    const claimed: ClaimedTask[] = [];
    for (const id of ids) {
      const one = await this.#claimTogether([id]).catch((error: unknown) => {
        if (isUniqueViolation(error)) return [];
        throw error;
      });
      claimed.push(...one);
    }
    return claimed;
  }

  #claimTogether(ids: readonly TaskId[]): Promise<ClaimedTask[]> {
    const wanted = new Map(ids.map((id) => [id, uuid() as TraceId]));
    const { database, claimant } = this.#options;
    return withRecord(this.#options, (record) =>
      database.single.inSystem('dispatch', ({ em }) => new ClaimRepository(em).claim(wanted, claimant, { record })),
    );
  }

  async #startAll(claimed: readonly ClaimedTask[]): Promise<void> {
    await Promise.all(claimed.map((task) => this.#start(task)));
    await this.#acknowledge(claimed.map((task) => task.execution.taskId));
  }

  /**
   * Starts a workflow, however long Temporal is away: the task is claimed, and this process answers for it. A task that
   * can never start, because its stored graph is broken for example, ends as failed.
   */
  async #start(task: ClaimedTask): Promise<void> {
    const { client, graphs, reach, log } = this.#options;
    const { tenant, graphId, taskId } = task.execution;
    await reach('after_claim_before_start');
    for (let wait = START_BACK_OFF_MS.first; ; wait = Math.min(2 * wait, START_BACK_OFF_MS.most)) {
      try {
        await startTask(client, task, await graphs.get(tenant, graphId));
        return;
      } catch (error) {
        log.warn({ taskId, error: errorMessage(error) }, 'a workflow could not be started');
        const failure = finalStartFailure(error);
        if (failure !== null) {
          await endFromOutside(this.#options, task.execution, { status: 'failed', failure });
          this.taskEnded(taskId);
          return;
        }
      }
      if (this.#loop.stopping) return;
      await pause(wait);
    }
  }

  async #acknowledge(ids: readonly TaskId[]): Promise<void> {
    if (ids.length === 0) return;
    await this.#options.reach('after_start_before_acknowledge');
    if (this.#redisAway) return;
    await this.#options.queue.acknowledge(ids).catch((error: unknown) => {
      this.#options.log.warn({ error: errorMessage(error) }, 'jobs could not be acknowledged; their leases run out');
    });
  }

  /**
   * Jobs whose claim was refused. Those of graphs whose handlers are elsewhere go back for others. The rest leaves the
   * index: it has started or ended, or waits for another task of its user, whose end brings it back. If that end came
   * between the refusal and the removal, the second look finds the task free.
   * @returns how many went back for others
   */
  async #turnAway(ids: readonly TaskId[]): Promise<number> {
    if (ids.length === 0 || this.#redisAway) return 0;
    const { queue, database, claimant } = this.#options;
    const look = () =>
      database.single.inSystem('dispatch', ({ em }) => new ClaimRepository(em).standing(ids, claimant));
    const unhosted = new Set((await look()).filter((task) => !task.hosted).map((task) => task.taskId));
    await queue.giveBack([...unhosted], { delayMs: ELSEWHERE_MS });
    await queue.acknowledge(ids.filter((id) => !unhosted.has(id)));
    const free = (await look()).filter((task) => task.free && !unhosted.has(task.taskId));
    if (free.length > 0) await queue.enqueue(free);
    return unhosted.size;
  }

  async #sweep(): Promise<void> {
    if (this.#inFlight.size === 0 || performance.now() - this.#sweptAt < SWEEP_MS) return;
    this.#sweptAt = performance.now();
    const ended = await this.#options.database.single.inSystem('dispatch', ({ em }) =>
      new ClaimRepository(em).ended([...this.#inFlight]),
    );
    for (const taskId of ended) this.#inFlight.delete(taskId);
  }
}

function isUniqueViolation(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === '23505';
}
