import assert from 'node:assert/strict';
import { gcra, slidingLog } from '../../../domain/limits/rate-limit.ts';
import type { RedisConnections } from '../../../redis/open-redis.ts';
import { openTestRedis } from '../redis-under-test.ts';
import { limiterWith, limitKeys } from './limiter-under-test.ts';

describe('tokens that are reserved', () => {
  let redis: RedisConnections;
  const limits = {
    'provider:acme/tokens': gcra({ limit: 10_000, perSeconds: 100_000 }),
    'tenant:*/tokens': gcra({ limit: 50_000, perSeconds: 500_000 }),
    'provider:acme': slidingLog({ limit: 10, perSeconds: 3_600 }),
  };
  const call = { tenant: 't', provider: 'acme', tokens: 4_000 };
  const open = () => limiterWith(redis, limits);
  const left = async () =>
    Object.fromEntries(
      (await open().status({ ...call, tokens: 0, cost: 0 })).map(({ name, remaining }) => [name, remaining]),
    );

  beforeEach(async () => {
    redis = await openTestRedis();
  });
  afterEach(() => redis.close());

  it('give back what the estimate had too much, wherever it was charged', async () => {
    const reservation = await open().reserve(call);

    assert.equal(await open().settle(reservation, 1_500), 'settled');

    assert.deepEqual(await left(), { 'provider:acme': 9, 'provider:acme/tokens': 8_500, 'tenant:*/tokens': 48_500 });
  });

  it('charge what the estimate had too little, even beyond the limit', async () => {
    const reservation = await open().reserve({ ...call, tokens: 9_000 });

    await open().settle(reservation, 25_000);

    const answer = await open().take({ ...call, tokens: 1 });
    assert.deepEqual([answer.allowed, answer.deniedBy], [false, 'provider:acme/tokens']);
    assert.ok(answer.retryAfterMs > 150_000_000 && answer.retryAfterMs <= 150_010_000, `${answer.retryAfterMs} ms`);
  });

  it('are settled once, however often and by whomever, and reserved once under one id', async () => {
    const id = 'task/node/1';
    const first = await open().reserve(call, { id });
    const again = await open().reserve(call, { id });
    assert.equal((await left())['provider:acme/tokens'], 6_000);

    // Another process gets it as plain data.
    const told = JSON.parse(JSON.stringify(first));
    const answers = [await open().settle(told, 1_000), await open().settle(again, 9_000), await open().settle(told, 0)];

    assert.deepEqual(answers, ['settled', 'repeated', 'repeated']);
    assert.equal((await left())['provider:acme/tokens'], 9_000);
    await open().reserve(call, { id });
    assert.equal((await left())['provider:acme/tokens'], 9_000);
  });

  it('are those of one tenant, whatever id another one chooses', async () => {
    const id = 'chat-1';
    const ours = await open().reserve(call, { id });
    const theirs = await open().reserve({ ...call, tenant: 'other' }, { id });
    assert.equal((await left())['provider:acme/tokens'], 2_000);

    assert.equal(await open().settle(theirs, 0), 'settled');

    assert.equal((await left())['provider:acme/tokens'], 6_000);
    assert.equal(await open().settle(ours, 1_000), 'settled');
    assert.equal((await left())['provider:acme/tokens'], 9_000);
  });

  it('are settled for the provider that was charged, whatever the given reservation says', async () => {
    const reservation = await open().reserve(call);
    const forged = { ...reservation, call: { ...call, provider: 'other' } };
    const both = limiterWith(redis, { ...limits, 'provider:other/tokens': limits['provider:acme/tokens'] });
    await both.take({ tenant: 'u', provider: 'other', tokens: 5_000 });

    assert.equal(await both.settle(forged, 0), 'unknown');

    const states = await both.status({ tenant: 'u', provider: 'other', tokens: 0, cost: 0 });
    const other = states.find(({ name }) => name === 'provider:other/tokens');
    assert.deepEqual([other?.remaining, (await left())['provider:acme/tokens']], [5_000, 6_000]);
    assert.equal(await both.settle(reservation, 0), 'settled');
  });

  it('charge nothing and leave no reservation when one limit has no room', async () => {
    await open().reserve({ ...call, tokens: 8_000 });
    const before = await left();

    const refused = await open().reserve(call, { id: 'refused' });

    assert.deepEqual([refused.allowed, refused.deniedBy], [false, 'provider:acme/tokens']);
    assert.deepEqual(await left(), before);
    assert.equal(await open().settle(refused, 100), 'unknown');
    const keys = [...(await limitKeys(redis, 't')), ...(await limitKeys(redis, null))];
    assert.deepEqual(
      keys.filter((key) => key.includes('refused')),
      [],
    );
  });
});
