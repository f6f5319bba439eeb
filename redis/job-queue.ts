import { randomUUID } from 'node:crypto';
import type { TaskId } from '../domain/ids.ts';
import { PRIORITY_BANDS, type PriorityBand } from '../domain/tasks/priority.ts';
import type { QueueKeys } from './keys.ts';
import type { RedisConnections } from './open-redis.ts';

/** A task's entry in the queue while it waits. All of it comes from the task's row. */
export interface Job {
  taskId: TaskId;
  band: PriorityBand;
  /** When the task was created, in milliseconds since 1970: its place within the band, the same after every rebuild. */
  createdAtMs: number;
}

/** A job that its lessee may claim in PostgreSQL. */
export interface LeasedJob {
  taskId: TaskId;
  band: PriorityBand;
}

/** What became of a job that was enqueued. `duplicate`: it waited or was leased already, and stays as it was. */
export type EnqueueOutcome = 'queued' | 'duplicate';

/** The index at one instant. */
export interface QueueDepth {
  waiting: Record<PriorityBand, number>;
  /** Jobs in the hands of a dispatcher, given back with a delay, or whose lease ran out and was not taken back yet. */
  leased: number;
  /** False when the index is gone: then the counts say nothing. */
  intact: boolean;
}

/**
 * How a rebuild ended. `finished`: the index is whole. `busy`: another rebuild is under way and nothing was changed.
 * `superseded`: Redis was emptied meanwhile, or the source was so slow that another rebuild may take over; the index
 * still counts as gone.
 */
export interface RebuildResult {
  outcome: 'finished' | 'busy' | 'superseded';
  /** Jobs that the rebuild put into the index. Jobs that others enqueued meanwhile are not among them. */
  queued: number;
}

/** Jobs in one script call. Redis serves nobody else meanwhile: 500 take 3 to 5 ms, and larger batches gain little. */
const BATCH_SIZE = 500;
/** Ended leases that one lease call takes back at most, for the same reason. */
const RECLAIM_MAX = 500;
/** A rebuild that has been silent for so long counts as crashed. Longer delays repair, shorter ends slow rebuilds. */
const REBUILD_SILENCE_MS = 5_000;

/**
 * The index of the jobs that wait for the workers of one Temporal task queue, and the only place that knows the
 * arguments of its scripts.
 *
 * A job is *waiting* in its band; {@link JobQueue.lease} makes it *leased*; {@link JobQueue.acknowledge} takes it out,
 * {@link JobQueue.giveBack} or the end of the lease makes it *waiting* again at its old place;
 * {@link JobQueue.remove} takes it out from anywhere. Bands are strict, and within a band the oldest task comes first.
 *
 * PostgreSQL is the truth. The claim there decides who may start a task, so an entry too many costs one refused claim,
 * after which it is acknowledged. An entry too few costs its task's time until the next rebuild. Therefore every rule
 * here errs towards the entry too many: a late acknowledgement leaves a job that waits again where it is, and whoever
 * gives back late may end the lease of another.
 *
 * Each call is atomic for up to 500 jobs, larger ones go in several steps. Every method rejects with
 * `service_unreachable` when Redis is away; what was asked may then have happened, and all but a lease may be repeated.
 * Jobs leased by an answer that was lost wait until that lease runs out.
 */
export class JobQueue {
  readonly #redis: RedisConnections;
  readonly #keys: QueueKeys;

  constructor(redis: RedisConnections, { taskQueue }: { taskQueue: string }) {
    this.#redis = redis;
    this.#keys = redis.keys.queue(taskQueue);
  }

  /**
   * Lets jobs wait, and wakes the dispatchers up if any is new. Repeating it changes nothing.
   * @returns one outcome per job, in order
   */
  async enqueue(jobs: readonly Job[]): Promise<EnqueueOutcome[]> {
    const { all, wakeUps } = this.#keys;
    const outcomes: EnqueueOutcome[] = [];
    for (const batch of batches(jobs)) {
      const fields = batch.flatMap((job) => [PRIORITY_BANDS.indexOf(job.band) + 1, job.createdAtMs, job.taskId]);
      outcomes.push(...(await this.#redis.ask((redis) => redis.enqueueJobs(...all, wakeUps, ...fields))));
    }
    return outcomes;
  }

  /**
   * Leases up to `max` jobs (1 to 500) for `leaseMs` milliseconds (at least 1) by the clock of Redis, after taking back
   * what leases have run out. Too short a lease makes two dispatchers try the same claim; too long a one delays the
   * jobs of a dispatcher that died.
   * @returns the jobs, first to start first; none when nothing waits
   */
  async lease({ max, leaseMs }: { max: number; leaseMs: number }): Promise<LeasedJob[]> {
    const answer = await this.#redis.ask((redis) =>
      redis.leaseJobs(...this.#keys.all, Math.min(max, BATCH_SIZE), leaseMs, RECLAIM_MAX),
    );
    return parseLeasedJobs(answer);
  }

  /**
   * Takes leased jobs out of the index: their claim in PostgreSQL succeeded, or showed that they are not to be started.
   * @returns how many of them held a lease
   */
  async acknowledge(ids: readonly TaskId[]): Promise<number> {
    return this.#sum(ids, (batch) => this.#redis.ask((redis) => redis.acknowledgeJobs(...this.#keys.all, ...batch)));
  }

  /**
   * Gives leased jobs back without having started them, each to its old place: at once, or not before `delayMs`
   * milliseconds have passed.
   * @returns how many of them held a lease
   */
  async giveBack(ids: readonly TaskId[], { delayMs = 0 }: { delayMs?: number } = {}): Promise<number> {
    const { all, wakeUps } = this.#keys;
    return this.#sum(ids, (batch) =>
      this.#redis.ask((redis) => redis.giveBackJobs(...all, wakeUps, delayMs, ...batch)),
    );
  }

  /**
   * Takes jobs out of the index wherever they are: their tasks were cancelled before they started.
   * @returns how many of them were in the index
   */
  async remove(ids: readonly TaskId[]): Promise<number> {
    return this.#sum(ids, (batch) => this.#redis.ask((redis) => redis.removeJobs(...this.#keys.all, ...batch)));
  }

  /** Counts the index at one instant. */
  async depth(): Promise<QueueDepth> {
    const [high, normal, low, leased, whole] = await this.#redis.ask((redis) => redis.measureDepth(...this.#keys.all));
    return { waiting: { high, normal, low }, leased, intact: whole === 1 };
  }

  /** Whether the index is whole. False after Redis was emptied, and during a rebuild and after one that did not end. */
  async intact(): Promise<boolean> {
    return (await this.#redis.ask((redis) => redis.exists(this.#keys.epoch))) === 1;
  }

  /**
   * Replaces what waits by what the source yields; leases stay. Jobs that others enqueue meanwhile are kept, and may be
   * leased meanwhile. A crash or an error half-way leaves the index not {@link JobQueue.intact}, so that the rebuild is
   * repeated, at the earliest 5 s later.
   *
   * @param source the tasks that wait for their start, in batches at most 5 s apart. It must read PostgreSQL only when
   *   it is iterated: what it read earlier lacks the tasks whose entries the rebuild is about to drop.
   */
  async rebuild(source: AsyncIterable<readonly Job[]>): Promise<RebuildResult> {
    const { all } = this.#keys;
    const rebuild = randomUUID();
    const begun = await this.#redis.ask((redis) => redis.beginRebuild(...all, rebuild, REBUILD_SILENCE_MS));
    if (begun === 'busy') return { outcome: 'busy', queued: 0 };
    let queued = 0;
    for await (const batch of source) {
      const going = await this.#redis.ask((redis) => redis.continueRebuild(...all, rebuild, REBUILD_SILENCE_MS));
      if (going === 'superseded') return { outcome: 'superseded', queued };
      const outcomes = await this.enqueue(batch);
      queued += outcomes.filter((outcome) => outcome === 'queued').length;
    }
    return { outcome: await this.#redis.ask((redis) => redis.finishRebuild(...all, rebuild)), queued };
  }

  async #sum(ids: readonly TaskId[], step: (batch: readonly TaskId[]) => Promise<number>): Promise<number> {
    let sum = 0;
    for (const batch of batches(ids)) sum += await step(batch);
    return sum;
  }
}

function* batches<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += BATCH_SIZE) yield items.slice(start, start + BATCH_SIZE);
}

/** Task ids and band numbers alternate. A band number is a place in {@link PRIORITY_BANDS}, counted from one. */
function parseLeasedJobs(answer: readonly (string | number)[]): LeasedJob[] {
  const jobs: LeasedJob[] = [];
  for (let index = 0; index + 1 < answer.length; index += 2) {
    const band = PRIORITY_BANDS[Number(answer[index + 1]) - 1];
    if (band) jobs.push({ taskId: String(answer[index]) as TaskId, band });
  }
  return jobs;
}
