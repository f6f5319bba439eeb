import assert from 'node:assert/strict';
import type { TaskId } from '../../domain/ids.ts';
import { limitOfKey, type QueueSettings } from '../../domain/queues/queue-settings.ts';
import { PRIORITY_BANDS, type PriorityBand } from '../../domain/tasks/priority.ts';
import type { HeldSlot, Job, LeasedJob } from '../../redis/job-queue.ts';
import { settings } from './redis-under-test.ts';

/**
 * The queue as one would write it without Redis and without parking: at any time a job may start if it waits, its band
 * is not paused, and each of its keys has room.
 */
export class QueueModel {
  readonly waiting = new Map<TaskId, Job>();
  readonly leased = new Map<TaskId, Job>();
  /** What Redis counts. */
  readonly slots = new Map<TaskId, readonly string[]>();
  readonly holders = new Set<TaskId>();
  /** What PostgreSQL says. */
  readonly open = new Map<TaskId, readonly string[]>();
  readonly ended = new Set<TaskId>();
  readonly leasesRunOut = new Set<TaskId>();
  readonly holdersRunOut = new Set<TaskId>();
  elsewhere: ReadonlyMap<string, number> = new Map();
  settings: QueueSettings | null = null;
  intact = false;
  #leases = 0;
  /** Of each key: starts under it, and those of them that were not of the highest band which could start. */
  readonly #starts = new Map<string, { all: number; outOfOrder: number }>();

  enqueue(job: Job): 'queued' | 'duplicate' {
    if (this.waiting.has(job.taskId) || this.leased.has(job.taskId)) return 'duplicate';
    this.waiting.set(job.taskId, job);
    return 'queued';
  }

  /** Follows a lease, and complains where it gave the wrong jobs, too few, or in the wrong order. */
  followLease(answer: readonly LeasedJob[], max: number): void {
    for (const id of this.leasesRunOut) this.#return(id);
    for (const id of this.holdersRunOut) this.#free(id);
    for (const { taskId, band } of answer) {
      const job = this.waiting.get(taskId);
      assert.ok(job && job.band === band, `${taskId} waits in ${band}`);
      assert.ok(this.#mayStart(job), `${taskId} may start`);
      this.#assertTurn(job);
      this.#lease(job);
    }
    const left = [...this.waiting.values()].filter((job) => this.#mayStart(job));
    if (answer.length < max) assert.deepEqual(left, [], 'nothing that may start was left');
  }

  started(id: TaskId): boolean {
    const job = this.leased.get(id);
    if (!job) return false;
    this.#endLease(id);
    this.open.set(id, this.#limited(job.keys));
    this.ended.delete(id);
    if (this.slots.has(id)) this.#hold(id);
    return true;
  }

  acknowledge(id: TaskId): boolean {
    if (!this.#endLease(id)) return false;
    this.#freeUnstarted(id);
    return true;
  }

  /** As if it had not been leased. */
  giveBack(id: TaskId): boolean {
    if (!this.#return(id)) return false;
    this.#leases -= 1;
    return true;
  }

  #return(id: TaskId): boolean {
    const job = this.leased.get(id);
    if (!this.acknowledge(id) || !job) return false;
    this.waiting.set(id, job);
    return true;
  }

  delay(id: TaskId): boolean {
    if (!this.leased.has(id)) return false;
    this.leasesRunOut.delete(id);
    this.#freeUnstarted(id);
    return true;
  }

  released(id: TaskId): boolean {
    this.open.delete(id);
    this.#endLease(id);
    this.ended.add(id);
    return this.#free(id);
  }

  remove(id: TaskId): boolean {
    return this.acknowledge(id) || this.waiting.delete(id);
  }

  openSlots(): HeldSlot[] {
    return [...this.open].flatMap(([taskId, keys]) => keys.map((key) => ({ taskId, key })));
  }

  confirm(elsewhere: ReadonlyMap<string, number>): void {
    for (const [id, keys] of this.open) {
      if (keys.length === 0 || (this.ended.has(id) && !this.slots.has(id))) continue;
      this.slots.set(id, keys);
      this.#hold(id);
    }
    for (const id of this.holdersRunOut) this.#free(id);
    this.elsewhere = elsewhere;
  }

  empty(): void {
    for (const part of [this.waiting, this.leased, this.slots, this.holders, this.ended]) part.clear();
    for (const part of [this.leasesRunOut, this.holdersRunOut]) part.clear();
    this.elsewhere = new Map();
    this.settings = null;
    this.intact = false;
    this.#leases = 0;
  }

  rebuild(jobs: readonly Job[], changed: QueueSettings): void {
    this.waiting.clear();
    this.settings = changed;
    for (const job of jobs) this.enqueue(job);
    this.intact = true;
  }

  waitingByBand(): Record<PriorityBand, number> {
    const waiting = { high: 0, normal: 0, low: 0 };
    for (const { band } of this.waiting.values()) waiting[band] += 1;
    return waiting;
  }

  heldByKey(): Map<string, number> {
    const held = new Map<string, number>();
    for (const key of [...this.slots.values()].flat()) held.set(key, (held.get(key) ?? 0) + 1);
    return held;
  }

  #lease(job: Job): void {
    this.#leases += 1;
    this.waiting.delete(job.taskId);
    this.leased.set(job.taskId, job);
    const limited = this.#limited(job.keys);
    for (const key of limited) this.#startsUnder(key).all += 1;
    if (limited.length > 0 && !this.slots.has(job.taskId)) this.slots.set(job.taskId, limited);
  }

  /**
   * Jobs of the highest band go first, but for three in twenty of all, and of those under each key; of equal jobs, the
   * oldest goes first.
   */
  #assertTurn(job: Job): void {
    const nth = this.#leases + 1;
    const startable = [...this.waiting.values()].filter((other) => this.#mayStart(other));
    const highest = PRIORITY_BANDS.find((band) => startable.some((other) => other.band === band));
    if (nth % 20 !== 0 && nth % 10 !== 5 && job.band !== highest) this.#assertTurnUnderKey(job, startable);
    const older = startable.filter((other) => isEqualTo(other, job) && comesBefore(other, job));
    assert.deepEqual(older, [], `none of its kind comes before ${job.taskId}`);
  }

  /** It goes instead of a job of a higher band with the same key, at one of the turns under that key. */
  #assertTurnUnderKey(job: Job, startable: readonly Job[]): void {
    const key = this.#limited(job.keys).find((one) => {
      const { all, outOfOrder } = this.#startsUnder(one);
      const isShared = startable.some((other) => comesHigher(other, job) && other.keys.includes(one));
      return isShared && 5 * (outOfOrder + 1) <= all + 1;
    });
    assert.ok(key, `the highest band goes first, not ${job.taskId}`);
    this.#startsUnder(key).outOfOrder += 1;
  }

  #startsUnder(key: string): { all: number; outOfOrder: number } {
    const starts = this.#starts.get(key) ?? { all: 0, outOfOrder: 0 };
    this.#starts.set(key, starts);
    return starts;
  }

  #mayStart(job: Job): boolean {
    if ((this.settings?.paused ?? []).includes(`band:${job.band}`)) return false;
    const held = this.heldByKey();
    return job.keys.every((key) => {
      const limit = this.#limit(key);
      return limit === null || (held.get(key) ?? 0) + (this.elsewhere.get(key) ?? 0) < limit;
    });
  }

  #limit(key: string): number | null {
    return limitOfKey(this.settings ?? settings(), key);
  }

  #limited(keys: readonly string[]): string[] {
    return keys.filter((key) => this.#limit(key) !== null);
  }

  #hold(id: TaskId): void {
    this.holders.add(id);
    this.holdersRunOut.delete(id);
  }

  #endLease(id: TaskId): boolean {
    this.leasesRunOut.delete(id);
    return this.leased.delete(id);
  }

  #free(id: TaskId): boolean {
    this.holders.delete(id);
    this.holdersRunOut.delete(id);
    return this.slots.delete(id);
  }

  #freeUnstarted(id: TaskId): void {
    if (!this.holders.has(id)) this.#free(id);
  }
}

function comesHigher(one: Job, other: Job): boolean {
  return PRIORITY_BANDS.indexOf(one.band) < PRIORITY_BANDS.indexOf(other.band);
}

function isEqualTo(one: Job, other: Job): boolean {
  return one.tenant === other.tenant && one.band === other.band && String(one.keys) === String(other.keys);
}

function comesBefore(one: Job, other: Job): boolean {
  return one.createdAtMs < other.createdAtMs || (one.createdAtMs === other.createdAtMs && one.taskId < other.taskId);
}
