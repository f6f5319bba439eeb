import assert from 'node:assert/strict';
import { GuardedRedis } from '../../../redis/limits/guarded-redis.ts';
import { OnceKeys } from '../../../redis/limits/once.ts';
import type { RedisConnections } from '../../../redis/open-redis.ts';
import { openTestRedis } from '../redis-under-test.ts';
import { letTimePass } from './limiter-under-test.ts';

const tenant = 't';

describe('what may happen once in a time', () => {
  let redis: RedisConnections;
  let once: OnceKeys;
  beforeEach(async () => {
    redis = await openTestRedis();
    once = new OnceKeys(new GuardedRedis(redis, { timeoutMs: 10_000 }));
  });
  afterEach(() => redis.close());

  const times = { daily: 86_400, work: 1_800, gather: 300, rob: 3_600, battle: 600 };
  for (const [command, seconds] of Object.entries(times)) {
    it(`C054: lets a user use ${command} once in ${seconds} s`, async () => {
      const request = { tenant, user: 'ada', command };
      const first = await once.cooldown(request);

      const second = await once.cooldown(request);

      assert.deepEqual([first.allowed, first.retryAfterMs, second.allowed], [true, 0, false]);
      assert.ok(second.retryAfterMs > seconds * 1_000 - 5_000 && second.retryAfterMs <= seconds * 1_000);
      assert.equal((await once.cooldown({ ...request, user: 'bob' })).allowed, true);
      await letTimePass(redis, tenant, seconds - 10);
      assert.equal((await once.cooldown(request)).allowed, false);
      await letTimePass(redis, tenant, 10);
      assert.equal((await once.cooldown(request)).allowed, true);
    });
  }

  it('C054: executes what has one idempotency key once, of 50 at the same moment, and again after 180 s', async () => {
    const run = async (): Promise<number> => {
      const answers = await Promise.all(Array.from({ length: 50 }, () => once.once(tenant, 'order-17')));
      return answers.filter(({ allowed }) => allowed).length;
    };

    assert.equal(await run(), 1);
    await letTimePass(redis, tenant, 179);
    assert.equal(await run(), 0);
    await letTimePass(redis, tenant, 1);
    assert.equal(await run(), 1);
  });

  it('refuses a command without a time, instead of letting it be used forever', async () => {
    await assert.rejects(async () => once.cooldown({ tenant, user: 'ada', command: 'dance' }), /seconds/);
  });
});
