import { randomUUID } from 'node:crypto';
import type { TaskId } from '../domain/ids.ts';
import type { QueueSettings } from '../domain/queues/queue-settings.ts';
import type { QueueKeys } from './keys.ts';
import type { RedisConnections } from './open-redis.ts';
import { parseQueueView, type QueueView } from './parse-queue-view.ts';
import {
  type HeldSlot,
  type Job,
  type LeasedJob,
  packJobs,
  packKey,
  packKeys,
  packSettings,
  packSlots,
  parseLeasedJobs,
  type QueueDepth,
} from './queue-job.ts';

export type { QueueView } from './parse-queue-view.ts';
export { type HeldSlot, type Job, type LeasedJob, queueSettingsVersion } from './queue-job.ts';

/** The outcome of enqueueing a job. `duplicate`: it was waiting or leased already and stays as it was. */
export type EnqueueOutcome = 'queued' | 'duplicate';

/**
 * How a rebuild ended. `finished`: the index is complete. `busy`: another rebuild is running and nothing was changed.
 * `superseded`: Redis was emptied meanwhile, or the source was so slow that another rebuild may take over; the index
 * still counts as lost.
 */
export interface RebuildResult {
  outcome: 'finished' | 'busy' | 'superseded';
  /** Jobs that the rebuild put into the index. Jobs that others enqueued meanwhile are not among them. */
  queued: number;
}

export interface JobQueueOptions {
  /** The Temporal task queue whose workers take the jobs. */
  taskQueue: string;
  /**
   * How long a started task keeps its slots without a confirmation, in milliseconds. If it is shorter than the time
   * between two confirmations, tasks are leased that PostgreSQL then refuses; if it is longer, a slot whose release was
   * lost stays taken for longer. @defaultValue 30000
   */
  holderMs?: number;
}

/** Jobs in one script call. Redis serves no other client meanwhile: 500 take milliseconds, and more gain little. */
const BATCH_SIZE = 500;
/** The silence after which a rebuild counts as crashed. If longer, repair is late; if shorter, slow rebuilds end. */
const REBUILD_SILENCE_MS = 5_000;
const HOLDER_MS = 30_000;
/** A cursor before the first key. */
const FROM_THE_START = '!';
/** The number of tenants, and of keys, in a view. */
const VIEW_MAX = 1_000;

/**
 * The index of the jobs that wait for the workers of one Temporal task queue, and the only caller of its scripts.
 *
 * A job *waits* in its band; {@link JobQueue.lease} makes it *leased*, and lets it hold a slot of each of its limited
 * concurrency keys, or *parks* it while one of them is full. {@link JobQueue.started} takes it out and keeps its slots
 * until {@link JobQueue.released}; {@link JobQueue.acknowledge} takes it out and frees them; {@link JobQueue.giveBack}
 * or the end of the lease frees them and lets it wait again at its old place; {@link JobQueue.remove} takes it out from
 * anywhere. Each slot that becomes free lets one parked job of its key wait again.
 *
 * Of twenty leased jobs one comes from the lowest band that has any, and two from the band whose next job has waited
 * longest, if that is longer than the ageing time; all others come from the highest. Within a band, tenants take turns
 * by weight, and a tenant's oldest job comes first. The same holds among the jobs that wait for one full key.
 *
 * PostgreSQL is the truth. The claim there decides who may start a task, so an entry too many costs one refused claim,
 * after which it is acknowledged. An entry too few costs its task's time until the next rebuild. Therefore every rule
 * here prefers the entry too many: a late acknowledgement does not remove a job that waits again, and a late return may
 * end the lease of another dispatcher.
 *
 * Each call is atomic for up to 500 jobs, larger ones go in several steps. Every method rejects with
 * `service_unreachable` when Redis is unavailable; the request may have been carried out, and everything but a lease
 * may be repeated. If the answer of a lease is lost, its jobs wait until the lease expires.
 */
export class JobQueue {
  readonly #redis: RedisConnections;
  readonly #keys: QueueKeys;
  readonly #holderMs: number;

  constructor(redis: RedisConnections, { taskQueue, holderMs = HOLDER_MS }: JobQueueOptions) {
    this.#redis = redis;
    this.#keys = redis.keys.queue(taskQueue);
    this.#holderMs = holderMs;
  }

  /**
   * Lets jobs wait, and wakes the dispatchers up if any is new. Repeating it changes nothing.
   * @returns one outcome per job, in order
   */
  async enqueue(jobs: readonly Job[]): Promise<EnqueueOutcome[]> {
    const { all, wakeUps } = this.#keys;
    const outcomes: EnqueueOutcome[] = [];
    for (const batch of batches(jobs)) {
      const packed = packJobs(batch);
      outcomes.push(...(await this.#redis.ask((redis) => redis.enqueueJobs(...all, wakeUps, ...packed))));
    }
    return outcomes;
  }

  /**
   * Leases up to `max` jobs (1 to 500) for `leaseMs` milliseconds (at least 1) by the clock of Redis, after taking back
   * expired leases. If the lease is too short, two dispatchers try the same claim; if it is too long, the jobs of a
   * dead dispatcher are delayed.
   *
   * One call looks at a limited number of jobs, so that Redis stays responsive. If it had to park too many, it returns
   * fewer than there are and wakes the dispatchers for the next call.
   * @param ask `urgent`: of the high band alone, which is not counted for the turns of the bands
   * @returns the jobs, first to start first; none when nothing may start
   */
  async lease(ask: { max: number; leaseMs: number; urgent?: boolean }): Promise<LeasedJob[]> {
    const { all, wakeUps } = this.#keys;
    const input = [Math.min(ask.max, BATCH_SIZE), ask.leaseMs, BATCH_SIZE, ask.urgent ? 'urgent' : 'all'] as const;
    return parseLeasedJobs(await this.#redis.ask((redis) => redis.leaseJobs(...all, wakeUps, ...input)));
  }

  /**
   * Takes leased jobs out of the index, since their claim in PostgreSQL succeeded. Their slots stay taken until
   * {@link JobQueue.released}, or until confirmations stop or omit them.
   * @returns how many of them held a lease
   */
  async started(ids: readonly TaskId[]): Promise<number> {
    const { all } = this.#keys;
    return this.#sum(ids, (batch) => this.#redis.ask((redis) => redis.startJobs(...all, this.#holderMs, ...batch)));
  }

  /**
   * Takes leased jobs out of the index and frees their slots, because they must not start: their tasks already run or
   * have ended.
   * @returns how many of them held a lease
   */
  async acknowledge(ids: readonly TaskId[]): Promise<number> {
    const { all, wakeUps } = this.#keys;
    return this.#sum(ids, (batch) => this.#redis.ask((redis) => redis.acknowledgeJobs(...all, wakeUps, ...batch)));
  }

  /**
   * Gives leased jobs back without having started them, each to its old place: at once, or not before `delayMs`
   * milliseconds have passed. Their slots are free at once.
   * @returns how many of them held a lease
   */
  async giveBack(ids: readonly TaskId[], { delayMs = 0 }: { delayMs?: number } = {}): Promise<number> {
    const { all, wakeUps } = this.#keys;
    return this.#sum(ids, (batch) =>
      this.#redis.ask((redis) => redis.giveBackJobs(...all, wakeUps, delayMs, ...batch)),
    );
  }

  /**
   * Frees the slots of tasks that have ended, and lets parked jobs wait again. A task that is still leased, since it
   * ended before its start was reported, leaves the index too.
   * @returns how many of them held slots
   */
  async released(ids: readonly TaskId[]): Promise<number> {
    const { all, wakeUps } = this.#keys;
    const keepMs = freshMs(this.#holderMs);
    return this.#sum(ids, (batch) => this.#redis.ask((redis) => redis.releaseJobs(...all, wakeUps, keepMs, ...batch)));
  }

  /** Notes that a started task, which waits or continues, holds slots of exactly these keys. Repeatable. */
  async holds(taskId: TaskId, keys: readonly string[]): Promise<void> {
    const { all, wakeUps } = this.#keys;
    await this.#redis.ask((redis) => redis.setSlots(...all, wakeUps, this.#holderMs, taskId, packKeys(keys)));
  }

  /**
   * Takes jobs out of the index wherever they are: their tasks were cancelled before they started.
   * @returns how many of them were in the index
   */
  async remove(ids: readonly TaskId[]): Promise<number> {
    const { all, wakeUps } = this.#keys;
    return this.#sum(ids, (batch) => this.#redis.ask((redis) => redis.removeJobs(...all, wakeUps, ...batch)));
  }

  /**
   * Tells Redis which slots are taken according to one read of PostgreSQL. Slots of tasks that it names are kept; those
   * of other started tasks are freed, unless they were started or confirmed within a third of
   * {@link JobQueueOptions.holderMs}, because the read may be older than the start; the read must therefore be younger
   * than that. Then every parked job whose key has room waits again. Repeating it is harmless, and so is a crash
   * half-way.
   *
   * @param slots of open tasks of this task queue
   * @param elsewhere how many slots of a key are held by open tasks of all other task queues; none for keys that are
   * left out
   */
  async confirmSlots(slots: readonly HeldSlot[], elsewhere: ReadonlyMap<string, number>): Promise<void> {
    const { all, wakeUps } = this.#keys;
    const holderMs = this.#holderMs;
    for (const batch of batches(packSlots(slots))) {
      await this.#redis.ask((redis) => redis.confirmSlots(...all, holderMs, ...batch.flat()));
    }
    const dueWithinMs = holderMs - freshMs(holderMs);
    let ended: number;
    do {
      ended = await this.#redis.ask((redis) => redis.endUnconfirmed(...all, wakeUps, dueWithinMs, BATCH_SIZE));
    } while (ended === BATCH_SIZE);
    await this.#countElsewhere(elsewhere);
    await this.#inviteParked();
  }

  /**
   * Applies settings to this queue, all at once, and lets parked jobs that now have room wait again. After a crash in
   * between, the next confirmation completes this.
   * @returns `unchanged` when they already applied
   */
  async applySettings(settings: QueueSettings): Promise<'applied' | 'unchanged'> {
    const fields = packSettings(settings);
    const outcome = await this.#redis.ask((redis) => redis.applySettings(...this.#keys.all, ...fields));
    if (outcome === 'applied') await this.#inviteParked();
    return outcome;
  }

  /** Whether this process compares the queue with PostgreSQL: the first that asks, until it is silent for `forMs`. */
  isComparer(process: string, forMs: number): Promise<boolean> {
    const { comparer } = this.#keys;
    return this.#redis.ask(async (redis) => {
      if ((await redis.set(comparer, process, 'PX', forMs, 'NX')) === 'OK') return true;
      return (await redis.get(comparer)) === process && (await redis.pexpire(comparer, forMs)) === 1;
    });
  }

  /** Counts the index at one instant. */
  async depth(): Promise<QueueDepth> {
    const [high, normal, low, parked, leased, whole, settingsVersion] = await this.#redis.ask((redis) =>
      redis.measureDepth(...this.#keys.all),
    );
    return { waiting: { high, normal, low }, parked, leased, intact: whole === 1, settingsVersion };
  }

  /** The queue at one instant, for operators. With many tenants or keys it costs Redis a few milliseconds. */
  async view(): Promise<QueueView> {
    return parseQueueView(await this.#redis.ask((redis) => redis.viewQueue(...this.#keys.all, VIEW_MAX)));
  }

  /**
   * Replaces the waiting jobs with those of the source, under the given settings; leases and slots stay. Jobs that
   * others enqueue meanwhile are kept and may be leased. After a crash or an error half-way the index is not
   * {@link QueueDepth.intact}, so that the rebuild is repeated, 5 s later at the earliest.
   *
   * @param source the tasks that wait for their start, in batches at most 5 s apart. It must read PostgreSQL only when
   * it is iterated: an earlier read lacks the tasks whose entries the rebuild is about to drop.
   */
  async rebuild(source: AsyncIterable<readonly Job[]>, settings: QueueSettings): Promise<RebuildResult> {
    const { all } = this.#keys;
    const rebuild = randomUUID();
    const begun = await this.#redis.ask((redis) => redis.beginRebuild(...all, rebuild, REBUILD_SILENCE_MS));
    if (begun === 'busy') return { outcome: 'busy', queued: 0 };
    await this.applySettings(settings);
    let queued = 0;
    for await (const batch of source) {
      const going = await this.#redis.ask((redis) => redis.continueRebuild(...all, rebuild, REBUILD_SILENCE_MS));
      if (going === 'superseded') return { outcome: 'superseded', queued };
      const outcomes = await this.enqueue(batch);
      queued += outcomes.filter((outcome) => outcome === 'queued').length;
    }
    return { outcome: await this.#redis.ask((redis) => redis.finishRebuild(...all, rebuild)), queued };
  }

  async #countElsewhere(elsewhere: ReadonlyMap<string, number>): Promise<void> {
    const { all, elsewhere: key } = this.#keys;
    const counted = await this.#redis.ask((redis) => redis.hgetall(key));
    const wanted = new Map([...elsewhere].map(([name, count]) => [packKey(name), count]));
    const gone = Object.keys(counted).filter((name) => !wanted.has(name));
    const changed = [...wanted].filter(([name, count]) => Number(counted[name] ?? 0) !== count);
    for (const batch of batches([...changed, ...gone.map((name): [string, number] => [name, 0])])) {
      await this.#redis.ask((redis) => redis.countElsewhere(...all, ...batch.flat()));
    }
  }

  async #inviteParked(): Promise<void> {
    const { all, wakeUps } = this.#keys;
    let after = FROM_THE_START;
    do {
      const from = after;
      after = await this.#redis.ask((redis) => redis.inviteParked(...all, wakeUps, from, BATCH_SIZE));
    } while (after !== '');
  }

  async #sum(ids: readonly TaskId[], step: (batch: readonly TaskId[]) => Promise<number>): Promise<number> {
    let sum = 0;
    for (const batch of batches(ids)) sum += await step(batch);
    return sum;
  }
}

/** The greatest age of a start or an end that a read of PostgreSQL may have missed. */
function freshMs(holderMs: number): number {
  return Math.floor(holderMs / 3);
}

function* batches<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += BATCH_SIZE) yield items.slice(start, start + BATCH_SIZE);
}
