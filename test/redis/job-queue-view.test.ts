import assert from 'node:assert/strict';
import { DEFAULT_QUEUE_SETTINGS } from '../../domain/queues/queue-settings.ts';
import type { Job, JobQueue } from '../../redis/job-queue.ts';
import type { RedisConnections } from '../../redis/open-redis.ts';
import { redisPrefix } from '../support/stack.ts';
import { inBatches, job, openTestRedis, queueOn, tenant } from './redis-under-test.ts';

const LEASE_MS = 600_000;
const IDLE = { waiting: 0, parked: 0, oldestWaitMs: null, startsPerMinute: 0 };

describe('the view of the job queue', () => {
  let redis: RedisConnections;
  let queue: JobQueue;

  beforeEach(async () => {
    redis = await openTestRedis({ prefix: redisPrefix('view') });
    queue = queueOn(redis);
  });

  afterEach(async () => {
    await redis.close();
  });

  it('shows an index that is gone as empty', async () => {
    assert.deepEqual(await queue.view(), {
      bands: { high: IDLE, normal: IDLE, low: IDLE },
      tenants: [],
      limits: [],
      leased: 0,
      intact: false,
      rebuilding: false,
    });
  });

  it('shows a rebuild while it is under way', async () => {
    async function* source(): AsyncGenerator<Job[]> {
      const { intact, rebuilding } = await queue.view();
      assert.deepEqual([intact, rebuilding], [false, true]);
      yield [];
    }

    await queue.rebuild(source(), DEFAULT_QUEUE_SETTINGS);

    const { intact, rebuilding } = await queue.view();
    assert.deepEqual([intact, rebuilding], [true, false]);
  });

  it('shows what waits, for how long, what is held up by which limit, and how much starts', async () => {
    const limits = { 'user:*': 1, 'graph:g': 4 };
    const key = 'user:acme/ann | {é}';
    const anHourAgo = Date.now() - 3_600_000;
    await queue.rebuild(inBatches([]), { ...DEFAULT_QUEUE_SETTINGS, limits });
    const urgent = [0, 1, 2].map((ms) => job('high', ms, { tenant: tenant('acme'), keys: [key, 'graph:g'] }));
    await queue.enqueue(urgent);
    const first = await queue.lease({ max: 9, leaseMs: LEASE_MS });
    await queue.started(first.map(({ taskId }) => taskId));
    await queue.enqueue([job('low', anHourAgo, { tenant: tenant('b') }), job('low', anHourAgo + 60_000)]);
    await queue.enqueue([job('normal', Date.now()), job('normal', Date.now())]);
    await queue.confirmSlots(
      first.map(({ taskId }) => ({ taskId, key })),
      new Map([['graph:g', 2]]),
    );

    const { bands, ...rest } = await queue.view();

    assert.deepEqual(bands.high, { waiting: 2, parked: 2, oldestWaitMs: null, startsPerMinute: 1 });
    assert.equal(bands.normal.waiting, 2);
    const oldestMs = bands.low.oldestWaitMs ?? 0;
    assert.ok(oldestMs >= 3_600_000 && oldestMs < 3_660_000, `the oldest has waited ${oldestMs} ms`);
    assert.deepEqual(rest, {
      tenants: [
        { tenant: 'default', waiting: 3 },
        { tenant: 'b', waiting: 1 },
      ],
      limits: [
        { key, held: 1, elsewhere: 0, limit: 1, parked: 2 },
        { key: 'graph:g', held: 0, elsewhere: 2, limit: 4, parked: 0 },
      ],
      leased: 0,
      intact: true,
      rebuilding: false,
    });
  });

  it('shows the limit of a paused key as 0, and sums up what is parked in several bands', async () => {
    await queue.rebuild(inBatches([]), { ...DEFAULT_QUEUE_SETTINGS, paused: ['graph:g'] });
    await queue.enqueue([job('high', 1, { keys: ['graph:g'] }), job('low', 1, { keys: ['graph:g'] })]);
    await queue.lease({ max: 9, leaseMs: LEASE_MS });

    assert.deepEqual((await queue.view()).limits, [{ key: 'graph:g', held: 0, elsewhere: 0, limit: 0, parked: 2 }]);
  });

  it('shows no more than the 50 busiest tenants', async () => {
    const jobs = Array.from({ length: 60 }, (_, index) => {
      const own = tenant(`t${index}`);
      return Array.from({ length: index + 1 }, () => job('normal', 1, { tenant: own }));
    });
    await queue.enqueue(jobs.flat());

    const { tenants } = await queue.view();

    assert.equal(tenants.length, 50);
    assert.deepEqual(
      [tenants[0], tenants[49]],
      [
        { tenant: 't59', waiting: 60 },
        { tenant: 't10', waiting: 11 },
      ],
    );
  });

  it('counts the starts of the last minute only', async () => {
    await queue.enqueue([job('high', 1), job('high', 2)]);
    const starts = redis.keys.queue('muster').all.find((key) => key.endsWith(':starts')) ?? '';
    const bucket = Math.floor(Date.now() / 10_000);
    await redis.ask((commands) => commands.hset(starts, `1:${bucket - 30}`, 7, `1:${bucket - 3}`, 5));

    await queue.started((await queue.lease({ max: 2, leaseMs: LEASE_MS })).map(({ taskId }) => taskId));

    assert.equal((await queue.view()).bands.high.startsPerMinute, 7);
    assert.equal(await redis.ask((commands) => commands.hlen(starts)), 2);
  });
});
