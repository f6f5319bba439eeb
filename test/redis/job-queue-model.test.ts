import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { TaskId } from '../../domain/ids.ts';
import { PRIORITY_BANDS } from '../../domain/tasks/priority.ts';
import type { Job, JobQueue } from '../../redis/job-queue.ts';
import type { RedisConnections } from '../../redis/open-redis.ts';
import { redisPrefix } from '../support/stack.ts';
import { inBatches, openTestRedis, queueOn, runLeasesOut } from './redis-under-test.ts';

/** The queue as one would write it without Redis. */
class Model {
  readonly waiting = new Map<TaskId, Job>();
  readonly leased = new Map<TaskId, Job>();
  readonly ranOut = new Set<TaskId>();
  intact = false;

  enqueue(job: Job): 'queued' | 'duplicate' {
    if (this.waiting.has(job.taskId) || this.leased.has(job.taskId)) return 'duplicate';
    this.waiting.set(job.taskId, job);
    return 'queued';
  }

  lease(max: number): Job[] {
    for (const id of this.ranOut) this.giveBack(id);
    const taken = [...this.waiting.values()].sort(inTurn).slice(0, max);
    for (const job of taken) {
      this.waiting.delete(job.taskId);
      this.leased.set(job.taskId, job);
    }
    return taken;
  }

  end(id: TaskId): boolean {
    this.ranOut.delete(id);
    return this.leased.delete(id);
  }

  giveBack(id: TaskId): boolean {
    const job = this.leased.get(id);
    if (job) this.waiting.set(id, job);
    return this.end(id);
  }

  remove(id: TaskId): boolean {
    return this.waiting.delete(id) || this.end(id);
  }

  empty(): void {
    for (const part of [this.waiting, this.leased, this.ranOut]) part.clear();
    this.intact = false;
  }

  rebuild(jobs: readonly Job[]): void {
    this.waiting.clear();
    for (const job of jobs) this.enqueue(job);
    this.intact = true;
  }
}

function inTurn(a: Job, b: Job): number {
  const byBand = PRIORITY_BANDS.indexOf(a.band) - PRIORITY_BANDS.indexOf(b.band);
  return byBand || a.createdAtMs - b.createdAtMs || (a.taskId < b.taskId ? -1 : 1);
}

interface Real {
  redis: RedisConnections;
  queue: JobQueue;
}

/** One step, checked against the model, and then all counts. */
class Step implements fc.AsyncCommand<Model, Real> {
  readonly #name: string;
  readonly #act: (model: Model, real: Real) => Promise<void>;

  constructor(name: string, act: (model: Model, real: Real) => Promise<void>) {
    this.#name = name;
    this.#act = act;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, real: Real): Promise<void> {
    await this.#act(model, real);
    const waiting = { high: 0, normal: 0, low: 0 };
    for (const { band } of model.waiting.values()) waiting[band] += 1;
    assert.deepEqual(await real.queue.depth(), { waiting, leased: model.leased.size, intact: model.intact });
  }

  toString(): string {
    return this.#name;
  }
}

const TASK_IDS = Array.from({ length: 12 }, (_, index) => `task-${String.fromCharCode(97 + index)}` as TaskId);
const taskIds = fc.subarray(TASK_IDS, { minLength: 1 });
const jobs = fc.uniqueArray(
  fc.record({
    taskId: fc.constantFrom(...TASK_IDS),
    band: fc.constantFrom(...PRIORITY_BANDS),
    createdAtMs: fc.integer({ min: 1_700_000_000_000, max: 1_700_000_000_003 }),
  }),
  { selector: ({ taskId }) => taskId, minLength: 1 },
);

const count = (ids: readonly TaskId[], act: (id: TaskId) => boolean): number => ids.filter(act).length;

const steps = [
  jobs.map(
    (batch) =>
      new Step(`enqueue ${fc.stringify(batch)}`, async (model, { queue }) => {
        assert.deepEqual(
          await queue.enqueue(batch),
          batch.map((job) => model.enqueue(job)),
        );
      }),
  ),
  fc.integer({ min: 1, max: 8 }).map(
    (max) =>
      new Step(`lease ${max}`, async (model, { queue }) => {
        const expected = model.lease(max).map(({ taskId, band }) => ({ taskId, band }));
        assert.deepEqual(await queue.lease({ max, leaseMs: 600_000 }), expected);
      }),
  ),
  taskIds.map(
    (ids) =>
      new Step(`leases run out ${ids}`, async (model, { redis }) => {
        for (const id of ids) if (model.leased.has(id)) model.ranOut.add(id);
        await runLeasesOut(redis, ids);
      }),
  ),
  taskIds.map(
    (ids) =>
      new Step(`acknowledge ${ids}`, async (model, { queue }) => {
        assert.equal(
          await queue.acknowledge(ids),
          count(ids, (id) => model.end(id)),
        );
      }),
  ),
  taskIds.map(
    (ids) =>
      new Step(`give back ${ids}`, async (model, { queue }) => {
        assert.equal(
          await queue.giveBack(ids),
          count(ids, (id) => model.giveBack(id)),
        );
      }),
  ),
  taskIds.map(
    (ids) =>
      new Step(`remove ${ids}`, async (model, { queue }) => {
        assert.equal(
          await queue.remove(ids),
          count(ids, (id) => model.remove(id)),
        );
      }),
  ),
  jobs.map(
    (source) =>
      new Step(`rebuild ${fc.stringify(source)}`, async (model, { queue }) => {
        model.rebuild(source);
        assert.equal((await queue.rebuild(inBatches(source, 5))).outcome, 'finished');
      }),
  ),
  fc.constant(
    new Step('Redis is emptied', async (model, { redis }) => {
      model.empty();
      await redis.ask((commands) => commands.del(...redis.keys.queue('muster').all));
    }),
  ),
];

describe('the job queue beside a model of it', () => {
  it('answers every sequence of calls as the model does', async function () {
    this.timeout(120_000);
    await fc.assert(
      fc.asyncProperty(fc.commands(steps, { maxCommands: 60, size: '+1' }), async (commands) => {
        const redis = await openTestRedis({ prefix: redisPrefix('model') });
        try {
          await fc.asyncModelRun(() => ({ model: new Model(), real: { redis, queue: queueOn(redis) } }), commands);
        } finally {
          await redis.close();
        }
      }),
      { numRuns: 300 },
    );
  });
});
