import assert from 'node:assert/strict';
import type { TaskId } from '../../domain/ids.ts';
import { PRIORITY_BANDS } from '../../domain/tasks/priority.ts';
import type { JobQueue } from '../../redis/job-queue.ts';
import type { RedisConnections } from '../../redis/open-redis.ts';
import { eventually } from '../support/eventually.ts';
import { redisPrefix } from '../support/stack.ts';
import { job, manyJobs, newTaskId, openTestRedis, queueOn, runLeasesOut } from './redis-under-test.ts';

const LEASE_MS = 60_000;
const NOTHING = {
  waiting: { high: 0, normal: 0, low: 0 },
  parked: 0,
  leased: 0,
  intact: false,
  settingsVersion: null,
};

describe('the job queue', () => {
  let prefix: string;
  let redis: RedisConnections;
  let queue: JobQueue;
  /** Another process's connections, in the tests that need one. */
  let otherRedis: RedisConnections | null = null;

  beforeEach(async () => {
    prefix = redisPrefix('queue');
    redis = await openTestRedis({ prefix });
    queue = queueOn(redis);
  });

  afterEach(async () => {
    await redis.close();
    await otherRedis?.close();
    otherRedis = null;
  });

  const leasedIds = async (max: number, leaseMs = LEASE_MS): Promise<TaskId[]> =>
    (await queue.lease({ max, leaseMs })).map(({ taskId }) => taskId);

  it('leases high before normal before low, and the oldest of a band first', async () => {
    const low = job('low', 1);
    const normal = job('normal', 2);
    const youngHigh = job('high', 9);
    const oldHigh = job('high', 3);
    await queue.enqueue([low, youngHigh, normal, oldHigh]);

    const leased = await queue.lease({ max: 10, leaseMs: LEASE_MS });

    const expected = [oldHigh, youngHigh, normal, low].map(({ taskId, band }) => ({ taskId, band }));
    assert.deepEqual(leased, expected);
  });

  it('orders jobs of one millisecond by their task ids, in whatever order they came', async () => {
    const jobs = Array.from({ length: 20 }, () => job('normal', 5));
    for (const one of jobs) await queue.enqueue([one]);

    const leased = await leasedIds(20);

    assert.deepEqual(leased, jobs.map(({ taskId }) => taskId).sort());
  });

  it('leases no more than asked for, and nothing when nothing waits', async () => {
    await queue.enqueue(manyJobs(5));

    assert.equal((await leasedIds(3)).length, 3);
    assert.equal((await leasedIds(3)).length, 2);
    assert.deepEqual(await leasedIds(3), []);
  });

  it('calls a job that waits or is leased a duplicate, and leaves it where it is', async () => {
    const waiting = job('low', 1);
    const leased = job('high', 1);
    await queue.enqueue([waiting, leased]);
    await queue.lease({ max: 1, leaseMs: LEASE_MS });

    const again = [{ ...waiting, band: 'high' as const, createdAtMs: 7 }, leased, job('normal', 1)];
    const outcomes = await queue.enqueue(again);

    assert.deepEqual(outcomes, ['duplicate', 'duplicate', 'queued']);
    assert.deepEqual((await queue.depth()).waiting, { high: 0, normal: 1, low: 1 });
  });

  it('answers for each job of a large batch in order', async () => {
    const jobs = manyJobs(1_201);
    await queue.enqueue(jobs.slice(600, 700));

    const outcomes = await queue.enqueue(jobs);

    const expected = jobs.map((_, index) => (index >= 600 && index < 700 ? 'duplicate' : 'queued'));
    assert.deepEqual(outcomes, expected);
  });

  it('never gives one job to two lessees, however many ask at once', async () => {
    const jobs = manyJobs(300);
    await queue.enqueue(jobs);
    otherRedis = await openTestRedis({ prefix });
    const queues = [queue, queueOn(otherRedis)];

    const answers = await Promise.all(
      Array.from({ length: 30 }, () => queues.map((one) => one.lease({ max: 7, leaseMs: LEASE_MS }))).flat(),
    );

    const ids = answers.flat().map(({ taskId }) => taskId);
    assert.equal(ids.length, 300);
    assert.equal(new Set(ids).size, 300);
  });

  it('gives a leased job back to its old place when its lease runs out', async () => {
    const jobs = [job('normal', 1), job('normal', 2), job('normal', 3)];
    await queue.enqueue(jobs);
    const first = await leasedIds(1);
    assert.deepEqual(first, [jobs[0]?.taskId]);

    await runLeasesOut(redis, first);

    assert.deepEqual(
      await leasedIds(3),
      jobs.map(({ taskId }) => taskId),
    );
  });

  it('lets a lease last for its length and no longer', async () => {
    const { taskId } = job('high', 1);
    await queue.enqueue([job('high', 1, { taskId })]);
    const started = performance.now();
    await leasedIds(1, 150);

    assert.deepEqual(await leasedIds(1), []);
    await eventually(async () => assert.deepEqual(await leasedIds(1), [taskId]), { withinMs: 5_000 });

    assert.ok(performance.now() - started >= 149);
  });

  it('does not hand an acknowledged job out again', async () => {
    await queue.enqueue([job('high', 1)]);
    const ids = await leasedIds(1);

    assert.equal(await queue.acknowledge(ids), 1);
    assert.equal(await queue.acknowledge(ids), 0);

    assert.deepEqual(await queue.depth(), NOTHING);
  });

  it('keeps a job that waits again when its acknowledgement comes late', async () => {
    await queue.enqueue([job('high', 1), job('high', 2)]);
    const ids = await leasedIds(1);
    await runLeasesOut(redis, ids);
    const second = await leasedIds(1);
    assert.deepEqual(second, ids);
    await queue.giveBack(second);

    assert.equal(await queue.acknowledge(ids), 0);

    assert.equal((await queue.depth()).waiting.high, 2);
  });

  it('gives jobs back at once, each to its old place', async () => {
    const jobs = [job('high', 1), job('normal', 1), job('normal', 2)];
    await queue.enqueue(jobs);
    const ids = await leasedIds(2);

    assert.equal(await queue.giveBack([...ids, newTaskId()]), 2);

    assert.deepEqual((await queue.depth()).waiting, { high: 1, normal: 2, low: 0 });
    assert.deepEqual(
      await leasedIds(3),
      jobs.map(({ taskId }) => taskId),
    );
  });

  it('gives a job back with a delay not before the delay has passed', async () => {
    await queue.enqueue([job('high', 1)]);
    const ids = await leasedIds(1);
    const givenBackAt = performance.now();

    assert.equal(await queue.giveBack(ids, { delayMs: 200 }), 1);

    assert.equal((await queue.depth()).leased, 1);
    await eventually(async () => assert.deepEqual(await leasedIds(1), ids), { withinMs: 5_000 });
    assert.ok(performance.now() - givenBackAt >= 199);
  });

  it('removes jobs that wait and jobs that are leased', async () => {
    const jobs = PRIORITY_BANDS.flatMap((band) => [job(band, 1), job(band, 2)]);
    await queue.enqueue(jobs);
    await queue.lease({ max: 1, leaseMs: LEASE_MS });

    assert.equal(await queue.remove([...jobs.map(({ taskId }) => taskId), newTaskId()]), 6);

    assert.deepEqual(await queue.depth(), NOTHING);
  });

  it('keeps task queues apart', async () => {
    const other = queueOn(redis, 'elsewhere');
    const one = job('high', 1);
    await queue.enqueue([one]);

    assert.deepEqual(await other.lease({ max: 10, leaseMs: LEASE_MS }), []);
    assert.deepEqual(await other.enqueue([one]), ['queued']);
  });
});
