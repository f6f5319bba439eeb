import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { eventually } from '../../support/eventually.ts';
import { askHealth } from '../../support/health.ts';
import { type PrivateStack, startPrivateStack } from '../../support/stack.ts';
import { check } from './checker.ts';
import { World } from './world.ts';

describe('a Redis that forgets', function () {
  this.timeout(180_000);
  let stack: PrivateStack;
  let redis: Redis;

  before(async () => {
    stack = await startPrivateStack();
    redis = new Redis(stack.redisUrl);
  });
  after(async () => {
    redis?.disconnect();
    await stack?.close();
  });
  afterEach(async () => {
    await World.closeAll();
    await redis.config('SET', 'maxmemory', '0');
    await redis.config('SET', 'maxmemory-policy', 'noeviction');
  });

  const ended = (world: World, count: number) =>
    eventually(async () => assert.ok((await world.count('completed_at is not null')) >= count), { withinMs: 60_000 });

  it('B5: without memory it is reported within 10 s, and tasks are submitted and end all the same', async () => {
    const world = await World.open('no memory', { stack });
    const worker = await world.spawn('', { MUSTER_LOG_LEVEL: 'info' });
    const port = await eventually(() => {
      const ready = worker.log.find((line) => line.includes('the worker is ready')) ?? '';
      const found = Number(/"healthPort":(\d+)/.exec(ready)?.[1]);
      assert.ok(found > 0);
      return found;
    });
    const stop = world.keepSubmitting('quick', 10);
    await ended(world, 20);

    await redis.config('SET', 'maxmemory', '1');
    await eventually(async () => assert.equal((await askHealth(port, 'ready')).body.status, 'degraded'), {
      withinMs: 10_000,
    });
    const before = await world.count('completed_at is not null');
    await ended(world, before + 30);
    await redis.config('SET', 'maxmemory', '0');
    await stop();
    await world.allEnded(60_000);

    await check(world, { atLeast: 50 });
  });

  it('B5: one that evicts is refused at the start, unless that is allowed, and loses nothing', async () => {
    const world = await World.open('eviction', { stack });
    const used = Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
    await redis.config('SET', 'maxmemory-policy', 'allkeys-random');
    await redis.config('SET', 'maxmemory', String(used + 150_000));

    await assert.rejects(world.spawn(), /MUSTER_REDIS_ALLOW_EVICTION=1/);
    await world.submitMany('quick', 600);
    await world.spawn('', { MUSTER_REDIS_ALLOW_EVICTION: '1' });
    await world.allEnded(120_000);

    const evicted = Number(/^evicted_keys:(\d+)/m.exec(await redis.info('stats'))?.[1]);
    assert.ok(evicted > 0, 'nothing was evicted');
    await check(world, { atLeast: 600 });
  });

  it('B6: one that comes back as it was seconds ago loses no task and starts none twice', async () => {
    const world = await World.open('stale', { stack });
    await world.submitMany('quick', 300);
    await world.spawn();
    await ended(world, 30);
    const old = await snapshot(redis);
    await world.submitMany('quick', 200);
    await ended(world, 150);

    await restore(redis, old);
    await world.allEnded(120_000);

    assert.ok(old.length > 3, 'the snapshot was empty');
    await check(world, { atLeast: 500 });
  });
});

type Snapshot = readonly { readonly key: string; readonly ttl: number; readonly value: Buffer }[];

/** Everything that Redis holds, as a replica that has just been cut off would. */
async function snapshot(redis: Redis): Promise<Snapshot> {
  const keys = await redis.keys('*');
  const found = await Promise.all(
    keys.map(async (key) => ({ key, ttl: await redis.pttl(key), value: await redis.dumpBuffer(key) })),
  );
  return found.flatMap(({ key, ttl, value }) => (value === null ? [] : [{ key, ttl: Math.max(0, ttl), value }]));
}

async function restore(redis: Redis, old: Snapshot): Promise<void> {
  const change = redis.multi().flushall();
  for (const { key, ttl, value } of old) change.restore(key, ttl, value);
  await change.exec();
}
