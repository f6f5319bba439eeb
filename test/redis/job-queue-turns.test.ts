import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { TaskId } from '../../domain/ids.ts';
import type { PriorityBand } from '../../domain/tasks/priority.ts';
import type { Job, JobQueue } from '../../redis/job-queue.ts';
import type { RedisConnections } from '../../redis/open-redis.ts';
import { redisPrefix } from '../support/stack.ts';
import { job, openTestRedis, queueOn, settings, tenant } from './redis-under-test.ts';

const LEASE_MS = 600_000;
/** Too young to have waited long, whatever the clock says. */
const YOUNG_MS = 4_000_000_000_000;
const OLD_MS = 1_700_000_000_000;
const KEYS = ['graph:x', 'agent:writer', 'key:t/mailbox', 'tenant:t', 'user:t/ann'];

const inBand = (band: PriorityBand, count: number, more: Partial<Job> = {}): Job[] =>
  Array.from({ length: count }, (_, index) => job(band, (more.createdAtMs ?? YOUNG_MS) + index, { ...without(more) }));

function without({ createdAtMs: _, ...more }: Partial<Job>): Partial<Job> {
  return more;
}

describe('the turns of jobs that wait for a full key', () => {
  let redis: RedisConnections;
  let queue: JobQueue;
  let known: Map<TaskId, Job>;

  beforeEach(async () => {
    redis = await openTestRedis({ prefix: redisPrefix('turns') });
    queue = queueOn(redis);
    known = new Map();
  });

  afterEach(async () => {
    await redis.close();
  });

  const enqueue = async (...jobs: Job[]): Promise<void> => {
    for (const one of jobs) known.set(one.taskId, one);
    await queue.enqueue(jobs);
  };

  /** Starts what may start; then so many tasks end, the oldest first, and the next ones start. */
  async function startsUntil(count: number, ending = 1, onTurn = async (): Promise<void> => undefined): Promise<Job[]> {
    const open: TaskId[] = [];
    const starts: Job[] = [];
    while (starts.length < count) {
      const leased = (await queue.lease({ max: 10, leaseMs: LEASE_MS })).map(({ taskId }) => taskId);
      await queue.started(leased);
      open.push(...leased);
      starts.push(...leased.flatMap((id) => known.get(id) ?? []));
      assert.ok(open.length > 0, 'something runs');
      await queue.released(open.splice(0, ending));
      await onTurn();
    }
    return starts.slice(0, count);
  }

  const shares = (jobs: readonly Job[]): Record<PriorityBand, number> => {
    const found = { high: 0, normal: 0, low: 0 };
    for (const { band } of jobs) found[band] += 1;
    return found;
  };

  it('C025: gives one of twenty starts under any kind of full key to the lowest band that waits for it', async () => {
    for (const key of KEYS) {
      for (const limit of [1, 3]) {
        queue = queueOn(redis, `${key} ${limit}`);
        await queue.applySettings(settings({ limits: { [key]: limit } }));
        await enqueue(...inBand('high', 130, { keys: [key] }), ...inBand('low', 10, { keys: [key] }));

        const starts = await startsUntil(120);

        assert.deepEqual(shares(starts.slice(0, 20 + limit)), { high: 19 + limit, normal: 0, low: 1 }, key);
        assert.ok(shares(starts).low >= 5 && shares(starts).low <= 6, `${key} ${limit}: ${shares(starts).low} of 120`);
      }
    }
  });

  it('C025: gives two of twenty starts under a full key to the band whose next job has waited longest', async () => {
    const keys = ['graph:x'];
    await queue.applySettings(settings({ limits: { 'graph:x': 1 } }));
    await enqueue(...inBand('high', 220, { keys }), ...inBand('normal', 50, { keys, createdAtMs: OLD_MS }));
    await enqueue(...inBand('low', 50, { keys, createdAtMs: OLD_MS + 60 }));

    const { high, normal, low } = shares(await startsUntil(200));

    assert.ok(normal >= 19 && normal <= 21, `${normal} of 200 were aged`);
    assert.ok(low >= 10 && low <= 11, `${low} of 200 were low`);
    assert.equal(high, 200 - normal - low);
  });

  it('C025: keeps the shares under a key while urgent jobs with it, and others without, come without an end', async () => {
    const keys = ['graph:x'];
    await queue.applySettings(settings({ limits: { 'graph:x': 1 } }));
    await enqueue(...inBand('low', 10, { keys }), ...inBand('high', 30, { keys }));

    const starts = await startsUntil(1_200, 10, async () => {
      await enqueue(job('high', YOUNG_MS + 100, { keys }), ...inBand('high', 3, { createdAtMs: YOUNG_MS + 100 }));
    });

    const limited = starts.filter((one) => one.keys.includes('graph:x'));
    const places = limited.flatMap(({ band }, place) => (band === 'low' ? [place] : []));
    assert.ok(places.length >= 5, `${places.length} low ones of ${limited.length}`);
    const gaps = places.map((place, index) => place - (places[index - 1] ?? 0));
    assert.ok(Math.max(...gaps) <= 25, `places of the low ones: ${places}`);
  });

  it('lets tenants have their turns by weight under a full key, each its oldest job first', async function () {
    this.timeout(60_000);
    const weights = fc.array(fc.constantFrom(0.25, 1, 2, 3), { minLength: 2, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(weights, fc.constantFrom(1, 2, 5), async (given, limit) => {
        queue = queueOn(redis, `weights-${redisPrefix()}`);
        const named = Object.fromEntries(given.map((weight, index) => [`t${index}`, weight]));
        await queue.applySettings(settings({ weights: named, limits: { 'graph:x': limit } }));
        for (const name of Object.keys(named)) {
          await enqueue(...inBand('normal', 220, { tenant: tenant(name), keys: ['graph:x'] }));
        }

        const starts = await startsUntil(200);

        const sum = given.reduce((one, other) => one + other, 0);
        for (const [name, weight] of Object.entries(named)) {
          const own = starts.filter((one) => one.tenant === name);
          const expected = (200 * weight) / sum;
          assert.ok(Math.abs(own.length - expected) <= 3 + limit, `${name}: ${own.length} instead of ${expected}`);
          assert.deepEqual(
            own,
            own.toSorted((one, other) => one.createdAtMs - other.createdAtMs),
          );
        }
      }),
      { numRuns: 10 },
    );
  });

  it('keeps a turn that another full key made useless until the job can start', async () => {
    await queue.applySettings(settings({ limits: { 'graph:x': 1, 'user:*': 1 } }));
    const [blocker, blocked] = [
      job('low', 1, { keys: ['user:t/ann'] }),
      job('low', 2, { keys: ['graph:x', 'user:t/ann'] }),
    ];
    await enqueue(blocker);
    await queue.started((await queue.lease({ max: 1, leaseMs: LEASE_MS })).map(({ taskId }) => taskId));
    await enqueue(...inBand('high', 80, { keys: ['graph:x'] }), blocked);

    assert.deepEqual(shares(await startsUntil(45)), { high: 45, normal: 0, low: 0 });
    await queue.released([blocker.taskId]);

    assert.equal(shares(await startsUntil(3)).low, 1);
  });

  it('gives no turn to a band that is paused, and all of them after it', async () => {
    const keys = ['graph:x'];
    const limits = { 'graph:x': 1 };
    await queue.applySettings(settings({ limits, paused: ['band:low'] }));
    await enqueue(...inBand('high', 100, { keys }), ...inBand('low', 20, { keys }), ...inBand('normal', 20, { keys }));
    assert.deepEqual(shares(await startsUntil(41)), { high: 39, normal: 2, low: 0 });

    await queue.applySettings(settings({ limits }));

    assert.deepEqual(shares(await startsUntil(40)), { high: 38, normal: 0, low: 2 });
  });
});
