import assert from 'node:assert/strict';
import type { TaskId } from '../../domain/ids.ts';
import type { Job, JobQueue } from '../../redis/job-queue.ts';
import type { RedisConnections } from '../../redis/open-redis.ts';
import { eventually } from '../support/eventually.ts';
import { redisPrefix } from '../support/stack.ts';
import { countHints, job, openTestRedis, queueOn, settings } from './redis-under-test.ts';

const LEASE_MS = 600_000;
const ONE_PER_USER = settings({ limits: { 'user:*': 1 } });

/** Jobs of the band normal, oldest first, one for each list of keys. */
const jobsWith = (...keys: string[][]): Job[] => keys.map((own, index) => job('normal', 100 + index, { keys: own }));

describe('the slots of the job queue', () => {
  let prefix: string;
  let redis: RedisConnections;
  let queue: JobQueue;
  /** Further processes' connections, in the tests that need some. */
  let others: RedisConnections[] = [];

  beforeEach(async () => {
    prefix = redisPrefix('slots');
    redis = await openTestRedis({ prefix });
    queue = queueOn(redis);
  });

  afterEach(async () => {
    await Promise.all([redis, ...others].map((one) => one.close()));
    others = [];
  });

  const lease = async (max = 100): Promise<TaskId[]> =>
    (await queue.lease({ max, leaseMs: LEASE_MS })).map(({ taskId }) => taskId);

  const start = async (max = 100): Promise<TaskId[]> => {
    const ids = await lease(max);
    await queue.started(ids);
    return ids;
  };

  it('C019: starts one task per user at a time, in the order of their creation, and other users beside', async () => {
    await queue.applySettings(ONE_PER_USER);
    const [first, second, other] = jobsWith(['user:x/ann'], ['user:x/ann'], ['user:x/bob']);
    assert.ok(first && second && other);
    await queue.enqueue([second, other, first]);

    assert.deepEqual(await start(), [first.taskId, other.taskId]);
    assert.equal((await queue.depth()).parked, 1);
    assert.deepEqual(await start(), []);
    await queue.released([other.taskId]);
    assert.deepEqual(await start(), []);
    await queue.released([first.taskId]);
    assert.deepEqual(await start(), [second.taskId]);
  });

  it('frees the slot of a task that waits, and gives it another, over the limit, when it continues', async () => {
    await queue.applySettings(ONE_PER_USER);
    await queue.enqueue(jobsWith(['user:x/ann'], ['user:x/ann'], ['user:x/ann']));
    const [first] = await start();
    assert.ok(first);
    assert.deepEqual(await start(), []);
    const hints = await countHints(redis);

    await queue.holds(first, []);
    await queue.holds(first, []);
    const [second] = await start();
    assert.ok(second);
    await queue.holds(first, ['user:x/ann']);

    await eventually(() => hints() > 0, { what: 'a hint that a job may start' });
    await queue.released([second]);
    assert.deepEqual(await start(), [], 'the first holds the only slot');
    await queue.released([first]);
    assert.equal((await start()).length, 1);
  });

  it('keeps the other slots of a task that waits, and believes no confirmation that is older', async () => {
    await queue.applySettings(settings({ limits: { 'user:*': 1, 'graph:g': 1 } }));
    await queue.enqueue(jobsWith(['user:x/ann', 'graph:g'], ['graph:g'], ['user:x/ann']));
    const [first] = await start();
    assert.ok(first);

    await queue.holds(first, ['user:x/ann']);
    assert.equal((await start()).length, 1);
    await queue.holds(first, []);
    await queue.confirmSlots([{ key: 'user:x/ann', taskId: first }], new Map());

    assert.equal((await start()).length, 1);
  });

  it('keeps every limit and finishes every job, with four dispatchers at once', async function () {
    this.timeout(60_000);
    const limits: Record<string, number> = { 'user:*': 1, 'tenant:t': 6, 'graph:g': 3 };
    await queue.applySettings(settings({ limits }));
    const jobs = Array.from({ length: 400 }, (_, index) =>
      job((['high', 'normal', 'low'] as const)[index % 3] ?? 'low', 1_000 + index, {
        keys: [`user:t/${index % 11}`, 'tenant:t', ...(index % 2 === 0 ? ['graph:g'] : [])],
      }),
    );
    const keysOf = new Map(jobs.map(({ taskId, keys }) => [taskId, keys]));
    await queue.enqueue(jobs);
    others = await Promise.all([1, 2, 3].map(() => openTestRedis({ prefix })));
    const open = new Map<string, number>();
    const count = (ids: readonly TaskId[], change: number): void => {
      for (const key of ids.flatMap((id) => keysOf.get(id) ?? [])) open.set(key, (open.get(key) ?? 0) + change);
    };
    let finished = 0;

    const dispatch = async (own: JobQueue, random: () => number): Promise<void> => {
      while (finished < jobs.length) {
        const ids = (await own.lease({ max: 5, leaseMs: LEASE_MS })).map(({ taskId }) => taskId);
        count(ids, 1);
        for (const [key, number] of open) assert.ok(number <= (limits[key] ?? 1), `${number} open with ${key}`);
        const refused = ids.filter(() => random() < 0.2);
        const claimed = ids.filter((id) => !refused.includes(id));
        await own.started(claimed);
        count(ids, -1);
        await own.giveBack(refused);
        await own.released(claimed);
        finished += claimed.length;
      }
    };
    await Promise.all([redis, ...others].map((one, index) => dispatch(queueOn(one), sequence(index + 1))));

    assert.equal(finished, 400);
    const { waiting, leased } = await queue.depth();
    assert.deepEqual({ waiting, leased }, { waiting: { high: 0, normal: 0, low: 0 }, leased: 0 });
    assert.deepEqual((await queue.view()).limits, []);
  });

  it('stops and continues when a tenant, a graph or a band is paused and resumed, without a restart', async () => {
    for (const target of ['tenant:default', 'graph:g', 'band:normal']) {
      const [one] = jobsWith(['tenant:default', 'graph:g']);
      await queue.applySettings(settings({ paused: [target] }));
      await queue.enqueue(one ? [one] : []);
      assert.deepEqual(await lease(), [], target);

      await queue.applySettings(settings());

      assert.deepEqual(await start(), [one?.taskId], target);
    }
  });

  it('follows a limit that is raised, lowered below what is held, and taken away', async () => {
    const jobs = Array.from({ length: 12 }, () => jobsWith(['tenant:x'])).flat();
    await queue.applySettings(settings({ limits: { 'tenant:*': 2 } }));
    await queue.enqueue(jobs);
    const first = await start();
    assert.equal(first.length, 2);

    await queue.applySettings(settings({ limits: { 'tenant:*': 2, 'tenant:x': 5 } }));
    const second = await start();
    assert.equal(second.length, 3);

    await queue.applySettings(settings({ limits: { 'tenant:*': 1 } }));
    await queue.released(first);
    assert.equal((await start()).length, 0);
    await queue.released(second);
    assert.equal((await start()).length, 1);

    const hints = await countHints(redis);
    await queue.applySettings(settings());
    await eventually(() => hints() > 0, { what: 'the hint that jobs may start' });
    assert.equal((await start()).length, 6);
  });

  it('lets the next job have a slot that the job which was let in for it cannot use', async () => {
    await queue.applySettings(settings({ limits: { 'graph:*': 1, 'user:*': 1 } }));
    const [g, ann, both, plain] = jobsWith(['graph:g'], ['user:x/ann'], ['graph:g', 'user:x/ann'], ['graph:g']);
    assert.ok(g && ann && both && plain);
    await queue.enqueue([g, ann, both, plain]);
    assert.deepEqual(await start(), [g.taskId, ann.taskId]);

    await queue.released([g.taskId]);

    assert.deepEqual(await start(), [plain.taskId]);
    await queue.released([ann.taskId]);
    assert.deepEqual(await start(), []);
    await queue.released([plain.taskId]);
    assert.deepEqual(await start(), [both.taskId]);
  });

  it('hints at a job that may start, no matter what made room for it', async () => {
    await queue.applySettings(ONE_PER_USER);
    const ends: ((ids: readonly TaskId[]) => Promise<number>)[] = [
      (ids) => queue.acknowledge(ids),
      (ids) => queue.giveBack(ids, { delayMs: 600_000 }),
      (ids) => queue.released(ids),
      (ids) => queue.remove(ids),
    ];
    for (const [index, end] of ends.entries()) {
      const [first, second] = jobsWith([`user:x/${index}`], [`user:x/${index}`]);
      assert.ok(first && second);
      await queue.enqueue([first, second]);
      const ids = await lease();
      const hints = await countHints(redis);

      await end(ids);

      await eventually(() => hints() > 0, { what: 'the hint' });
      assert.deepEqual(await lease(), [second.taskId]);
    }
  });
});

/** Numbers from 0 to 1 that are the same in every run. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
