import assert from 'node:assert/strict';
import { hasErrorCode } from '../../../domain/errors.ts';
import { limitHeaders } from '../../../domain/limits/decision.ts';
import { gcra, slidingLog } from '../../../domain/limits/rate-limit.ts';
import type { RateLimiter } from '../../../redis/limits/rate-limiter.ts';
import type { RedisConnections } from '../../../redis/open-redis.ts';
import { openTestRedis } from '../redis-under-test.ts';
import { letTimePass, limiterWith, limitKeys } from './limiter-under-test.ts';

const tenant = 'acme';

/** How many of so many calls at once are allowed. */
async function admitted(
  limiter: RateLimiter,
  count: number,
  call: { user?: string; endpoint?: string; provider?: string },
) {
  const answers = await Promise.all(Array.from({ length: count }, () => limiter.take({ tenant, ...call })));
  return answers.filter(({ allowed }) => allowed).length;
}

describe('rate limiter', () => {
  let redis: RedisConnections;
  beforeEach(async () => {
    redis = await openTestRedis();
  });
  afterEach(() => redis.close());

  it('C031: admits exactly 60 of 200 calls at once, and 60 again after the window', async () => {
    const limiter = limiterWith(redis, {});
    const call = { user: 'ada', endpoint: 'greet' };

    assert.equal(await admitted(limiter, 200, call), 60);

    await letTimePass(redis, tenant, 59);
    assert.equal(await admitted(limiter, 200, call), 0);
    await letTimePass(redis, tenant, 1);
    assert.equal(await admitted(limiter, 200, call), 60);
  });

  it('C031: admits exactly 60 of 200 calls over four connections', async () => {
    const others = await Promise.all(Array.from({ length: 4 }, () => openTestRedis({ prefix: 'c031' })));
    const user = `ada-${Math.random()}`;

    const counts = await Promise.all(
      others.map((connection) => admitted(limiterWith(connection, {}), 50, { user, endpoint: 'greet' })),
    );

    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      60,
    );
    await Promise.all(others.map((connection) => connection.close()));
  });

  it('C031: counts each user and each endpoint for itself, and none that was refused', async () => {
    const limiter = limiterWith(redis, {});
    assert.equal(await admitted(limiter, 20, { user: 'ada', endpoint: 'auth' }), 5);

    assert.equal(await admitted(limiter, 20, { user: 'bob', endpoint: 'auth' }), 5);
    assert.equal(await admitted(limiter, 20, { user: 'ada', endpoint: 'memory_search' }), 20);
    await letTimePass(redis, tenant, 60);
    assert.equal(await admitted(limiter, 20, { user: 'ada', endpoint: 'auth' }), 5);
  });

  it('C031: gives the tier pro 120 and enterprise 600', async () => {
    const more = { tenantTiers: { acme: 'pro' }, userTiers: { 'acme/zoe': 'enterprise' } };
    const limiter = limiterWith(redis, {}, { more });

    assert.equal(await admitted(limiter, 200, { user: 'ada', endpoint: 'greet' }), 120);
    assert.equal(await admitted(limiter, 700, { user: 'zoe', endpoint: 'greet' }), 600);
  });

  it('C031: says what is left, when it is whole again, and when to come back', async () => {
    const limiter = limiterWith(redis, {});
    const call = { tenant, user: 'ada', endpoint: 'auth' };
    const first = await limiter.take(call);
    for (let count = 0; count < 4; count += 1) await limiter.take(call);
    await letTimePass(redis, tenant, 20);

    const refused = await limiter.take(call);

    assert.deepEqual(
      [first.allowed, first.limit, first.remaining, first.resetMs, first.retryAfterMs, first.deniedBy, first.source],
      [true, 5, 4, 60_000, 0, null, 'redis'],
    );
    assert.deepEqual([refused.allowed, refused.remaining, refused.deniedBy], [false, 0, 'endpoint:auth']);
    assert.ok(refused.retryAfterMs > 30_000 && refused.retryAfterMs <= 40_000, `${refused.retryAfterMs} ms`);
    const headers = limitHeaders(refused);
    assert.deepEqual([headers['X-RateLimit-Limit'], headers['X-RateLimit-Remaining']], ['5', '0']);
    assert.equal(headers['Retry-After'], String(Math.ceil(refused.retryAfterMs / 1_000)));
  });

  it('names the key of a user and an endpoint as the seeds do, under the hash tag of the tenant', async () => {
    const limiter = limiterWith(redis, { 'endpoint:auth': gcra({ limit: 5, perSeconds: 60 }) });
    await limiter.take({ tenant, user: 'ada', endpoint: 'auth' });

    const [key = '', ...others] = await limitKeys(redis, tenant);

    assert.match(key, /^[\w-]+:\{limits:acme\}:rate_limit:ada:auth$/);
    assert.deepEqual(others, []);
  });

  it('charges none of the limits when one of them refuses, wherever it is counted', async () => {
    const limiter = limiterWith(redis, {
      'tenant:*': gcra({ limit: 100, perSeconds: 60 }),
      'provider:slow': slidingLog({ limit: 2, perSeconds: 60 }),
      'endpoint:ask': slidingLog({ limit: 50, perSeconds: 60 }),
    });
    const call = { tenant, user: 'ada', endpoint: 'ask', provider: `slow` };

    assert.equal(await admitted(limiter, 30, call), 2);

    const left = new Map((await limiter.status(call)).map(({ name, remaining }) => [name, remaining]));
    assert.deepEqual([left.get('endpoint:ask'), left.get('provider:slow')], [48, 0]);
    assert.ok((left.get('tenant:*') ?? 0) >= 98);
    await limiter.reset(call);
  });

  it('blocks a caller that exceeds a blocking limit, for the whole time of the block', async () => {
    const limiter = limiterWith(redis, {});
    const call = { user: 'ada', endpoint: 'sensitive' };
    assert.equal(await admitted(limiter, 3, call), 3);
    const refused = await limiter.take({ tenant, ...call });

    assert.deepEqual([refused.allowed, refused.retryAfterMs], [false, 3_600_000]);
    await letTimePass(redis, tenant, 3_500);
    assert.equal(await admitted(limiter, 5, call), 0);
    await letTimePass(redis, tenant, 101);
    assert.equal(await admitted(limiter, 5, call), 3);
  });

  it('looks without taking, and forgets on request', async () => {
    const limiter = limiterWith(redis, {});
    const call = { tenant, user: 'ada', endpoint: 'mod' };
    for (let count = 0; count < 10; count += 1) assert.equal((await limiter.check(call)).allowed, true);
    assert.equal(await admitted(limiter, 5, call), 3);
    assert.equal((await limiter.check(call)).allowed, false);

    assert.equal(await limiter.reset(call), true);

    assert.equal(await admitted(limiter, 5, call), 3);
  });

  it('refuses a cost that fits into no window, instead of letting it wait forever', async () => {
    const limiter = limiterWith(redis, {});

    await assert.rejects(limiter.take({ tenant, endpoint: 'auth', cost: 6 }), (error) => {
      return hasErrorCode(error) && error.code === 'input_invalid';
    });
    await assert.rejects(limiter.take({ tenant, endpoint: 'auth', cost: -1 }), /a cost from 0 to 5/);
    await assert.rejects(limiter.take({ tenant, endpoint: 'auth', cost: 0.5 }), /a cost from 0 to 5/);
  });

  for (const make of [gcra, slidingLog]) {
    it(`gives nothing back under ${make.name} when the clock of Redis goes back, and lets nobody wait for it`, async () => {
      const limiter = limiterWith(redis, { 'endpoint:x': make({ limit: 4, perSeconds: 100 }) });
      assert.equal(await admitted(limiter, 3, { endpoint: 'x' }), 3);
      await letTimePass(redis, tenant, -86_400);

      assert.equal(await admitted(limiter, 10, { endpoint: 'x' }), 1);

      const { retryAfterMs } = await limiter.check({ tenant, endpoint: 'x' });
      assert.ok(retryAfterMs > 0 && retryAfterMs <= 100_000, `${retryAfterMs} ms`);
      await letTimePass(redis, tenant, 100);
      assert.equal(await admitted(limiter, 10, { endpoint: 'x' }), 4);
    });
  }

  it('continues under a limit that changes, with what was taken, unless it counts in another way', async () => {
    const call = { endpoint: 'x' };
    assert.equal(await admitted(limiterWith(redis, { 'endpoint:x': gcra({ limit: 6, perSeconds: 600 }) }), 5, call), 5);

    const wider = limiterWith(redis, { 'endpoint:x': gcra({ limit: 8, perSeconds: 600 }) });
    const other = limiterWith(redis, { 'endpoint:x': slidingLog({ limit: 8, perSeconds: 600 }) });
    const narrow = limiterWith(redis, { 'endpoint:x': slidingLog({ limit: 2, perSeconds: 600 }) });

    assert.equal(await admitted(wider, 10, call), 3);
    assert.equal(await admitted(other, 10, call), 8);
    const { allowed, retryAfterMs } = await narrow.take({ tenant, ...call });
    assert.ok(!allowed && retryAfterMs > 0 && retryAfterMs <= 600_000);
  });

  it('asks nobody where no limit applies', async () => {
    const limiter = limiterWith(redis, { 'endpoint:*': null });

    assert.deepEqual(await limiter.take({ tenant, user: 'ada', endpoint: 'free' }), {
      ...{ allowed: true, limit: null, remaining: null, resetMs: 0, retryAfterMs: 0, deniedBy: null, source: 'redis' },
    });
  });
});
