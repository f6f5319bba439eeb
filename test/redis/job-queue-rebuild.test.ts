import assert from 'node:assert/strict';
import { DEFAULT_QUEUE_SETTINGS } from '../../domain/queues/queue-settings.ts';
import { type Job, type JobQueue, queueSettingsVersion } from '../../redis/job-queue.ts';
import type { RedisConnections } from '../../redis/open-redis.ts';
import { type PrivateStack, startPrivateStack } from '../support/stack.ts';
import { inBatches, job, manyJobs, openTestRedis, queueOn, TASK_QUEUE } from './redis-under-test.ts';

const SETTINGS_VERSION = queueSettingsVersion(DEFAULT_QUEUE_SETTINGS);
const EMPTY = { high: 0, normal: 0, low: 0 };

describe('the rebuild of the job queue', () => {
  let stack: PrivateStack;
  let redis: RedisConnections;
  let queue: JobQueue;

  before(async () => {
    stack = await startPrivateStack({ only: ['redis'] });
  });

  after(async () => {
    await stack.close();
  });

  beforeEach(async () => {
    redis = await openTestRedis({ url: stack.redisUrl });
    queue = queueOn(redis);
  });

  afterEach(async () => {
    await redis.close();
  });

  const flush = (): Promise<string> => redis.ask((commands) => commands.flushall());

  it('makes an empty index whole', async () => {
    assert.equal((await queue.depth()).intact, false);

    assert.deepEqual(await queue.rebuild(inBatches([]), DEFAULT_QUEUE_SETTINGS), { outcome: 'finished', queued: 0 });

    assert.equal((await queue.depth()).intact, true);
  });

  it('B1: notices that Redis was emptied, and restores every job at its old place', async () => {
    const jobs = manyJobs(3_000);
    await queue.rebuild(inBatches(jobs), DEFAULT_QUEUE_SETTINGS);
    const order = await queue.lease({ max: 50, leaseMs: 60_000 });
    await queue.giveBack(order.map(({ taskId }) => taskId));

    await flush();

    assert.equal((await queue.depth()).intact, false);
    assert.deepEqual(await queue.rebuild(inBatches([...jobs].reverse()), DEFAULT_QUEUE_SETTINGS), {
      outcome: 'finished',
      queued: 3_000,
    });
    assert.deepEqual(await queue.lease({ max: 50, leaseMs: 60_000 }), order);
    assert.equal((await queue.depth()).intact, true);
  });

  it('B1: restores 100,000 jobs', async function () {
    this.timeout(60_000);
    const jobs = manyJobs(100_000);
    const started = performance.now();

    const { queued } = await queue.rebuild(inBatches(jobs), DEFAULT_QUEUE_SETTINGS);

    const elapsedMs = Math.round(performance.now() - started);
    process.stdout.write(`      100,000 jobs restored in ${elapsedMs} ms\n`);
    assert.equal(queued, 100_000);
    assert.deepEqual((await queue.depth()).waiting, { high: 33_333, normal: 33_333, low: 33_334 });
  });

  it('does not take an index for whole because a job was enqueued', async () => {
    await queue.rebuild(inBatches([]), DEFAULT_QUEUE_SETTINGS);
    await flush();

    await queue.enqueue([job('high', 1)]);

    assert.deepEqual(await queue.depth(), {
      waiting: { ...EMPTY, high: 1 },
      parked: 0,
      leased: 0,
      intact: false,
      settingsVersion: null,
    });
  });

  it('drops what waits but is not in the source, and corrects the band of what is', async () => {
    const stale = job('high', 1);
    const moved = job('low', 2);
    await queue.enqueue([stale, moved]);

    await queue.rebuild(inBatches([{ ...moved, band: 'normal' }]), DEFAULT_QUEUE_SETTINGS);

    assert.deepEqual((await queue.depth()).waiting, { ...EMPTY, normal: 1 });
  });

  it('leaves a leased job to its lessee', async () => {
    const jobs = manyJobs(3);
    await queue.enqueue(jobs);
    const [leased] = await queue.lease({ max: 1, leaseMs: 60_000 });

    assert.equal((await queue.rebuild(inBatches(jobs), DEFAULT_QUEUE_SETTINGS)).queued, 2);

    assert.equal(await queue.acknowledge(leased ? [leased.taskId] : []), 1);
    assert.equal((await queue.lease({ max: 3, leaseMs: 60_000 })).length, 2);
  });

  it('keeps jobs that are enqueued during the rebuild, and leases during it', async () => {
    const early = job('normal', 1);
    const meanwhile = job('high', 2);
    async function* source(): AsyncGenerator<Job[]> {
      yield [early];
      await queue.enqueue([meanwhile]);
      assert.equal((await queue.lease({ max: 1, leaseMs: 60_000 }))[0]?.taskId, meanwhile.taskId);
      yield [meanwhile];
    }

    assert.deepEqual(await queue.rebuild(source(), DEFAULT_QUEUE_SETTINGS), { outcome: 'finished', queued: 1 });

    assert.deepEqual(await queue.depth(), {
      waiting: { ...EMPTY, normal: 1 },
      parked: 0,
      leased: 1,
      intact: true,
      settingsVersion: SETTINGS_VERSION,
    });
  });

  it('is not whole during a rebuild, nor after one that failed', async () => {
    await queue.rebuild(inBatches([]), DEFAULT_QUEUE_SETTINGS);
    async function* failing(): AsyncGenerator<Job[]> {
      yield manyJobs(2);
      assert.equal((await queue.depth()).intact, false);
      throw new Error('the database became unavailable');
    }

    await assert.rejects(queue.rebuild(failing(), DEFAULT_QUEUE_SETTINGS), /the database became unavailable/);

    assert.equal((await queue.depth()).intact, false);
  });

  it('begins a second rebuild neither beside a first nor within its silence', async () => {
    const jobs = manyJobs(10);
    async function* source(): AsyncGenerator<Job[]> {
      yield jobs.slice(0, 5);
      assert.deepEqual(await queue.rebuild(inBatches(jobs), DEFAULT_QUEUE_SETTINGS), { outcome: 'busy', queued: 0 });
      yield jobs.slice(5);
    }

    assert.deepEqual(await queue.rebuild(source(), DEFAULT_QUEUE_SETTINGS), { outcome: 'finished', queued: 10 });

    assert.equal((await queue.depth()).intact, true);
  });

  it('declares nothing whole when another rebuild has taken over', async () => {
    const jobs = manyJobs(10);
    const { rebuild } = redis.keys.queue(TASK_QUEUE);
    async function* abandoned(): AsyncGenerator<Job[]> {
      yield jobs.slice(0, 5);
      await redis.ask((commands) => commands.del(rebuild));
      assert.equal((await queue.rebuild(inBatches(jobs), DEFAULT_QUEUE_SETTINGS)).outcome, 'finished');
      await redis.ask((commands) => commands.flushall());
      yield jobs.slice(5);
    }

    assert.equal((await queue.rebuild(abandoned(), DEFAULT_QUEUE_SETTINGS)).outcome, 'superseded');

    assert.deepEqual(await queue.depth(), {
      waiting: EMPTY,
      parked: 0,
      leased: 0,
      intact: false,
      settingsVersion: null,
    });
  });

  it('is superseded when Redis is emptied after the last batch', async () => {
    async function* source(): AsyncGenerator<Job[]> {
      yield manyJobs(5);
      await flush();
    }

    assert.deepEqual(await queue.rebuild(source(), DEFAULT_QUEUE_SETTINGS), { outcome: 'superseded', queued: 5 });

    assert.equal((await queue.depth()).intact, false);
  });

  it('calls an index gone of which a part is missing', async () => {
    const limited = { ...DEFAULT_QUEUE_SETTINGS, limits: { 'user:*': 1 } };
    const jobs = [1, 2, 3].map((second) => job('normal', second, { keys: ['user:x/ann'] }));
    const { all } = redis.keys.queue(TASK_QUEUE);
    const vital =
      /normal_priority(:tenants|:parked)?$|:jobs$|:leases$|:places$|:slots$|:held$|:epoch$|:queues$|:turns$/;
    const parts = all.filter((key) => vital.test(key));
    assert.equal(parts.length, 11);
    for (const part of parts) {
      await flush();
      await queue.rebuild(inBatches(jobs), limited);
      await queue.lease({ max: 2, leaseMs: 60_000 });
      await queue.enqueue([job('normal', 4)]);
      assert.equal((await queue.depth()).intact, true);

      await redis.ask((commands) => commands.del(part));

      assert.equal((await queue.depth()).intact, false, part);
      await queue.rebuild(inBatches(jobs), limited);
      assert.equal((await queue.depth()).intact, true, part);
    }
  });
});
