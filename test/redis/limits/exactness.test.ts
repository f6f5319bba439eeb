import assert from 'node:assert/strict';
import { gcra, slidingLog } from '../../../domain/limits/rate-limit.ts';
import type { RateLimiter } from '../../../redis/limits/rate-limiter.ts';
import type { RedisConnections } from '../../../redis/open-redis.ts';
import { eventually } from '../../support/eventually.ts';
import { redisPrefix } from '../../support/stack.ts';
import { openTestRedis } from '../redis-under-test.ts';
import { limiterWith } from './limiter-under-test.ts';

const tenant = 't';

/** When a call was certainly made: between these two moments. */
interface Admission {
  readonly sentMs: number;
  readonly heardMs: number;
}

async function hammer(limiter: RateLimiter, untilMs: number): Promise<Admission[]> {
  const admissions: Admission[] = [];
  while (performance.now() < untilMs) {
    const sentMs = performance.now();
    const { allowed } = await limiter.take({ tenant, provider: 'acme' });
    if (allowed) admissions.push({ sentMs, heardMs: performance.now() });
  }
  return admissions;
}

/** The most that was admitted within any stretch beyond what `most` allows. Counts only what surely lies in the stretch. */
function worstExcess(admissions: readonly Admission[], most: (lengthMs: number) => number): number {
  const byEnd = [...admissions].sort((a, b) => a.heardMs - b.heardMs);
  let worst = Number.NEGATIVE_INFINITY;
  for (const { sentMs: from } of admissions) {
    let inside = 0;
    for (const { sentMs, heardMs } of byEnd) {
      if (sentMs < from) continue;
      inside += 1;
      worst = Math.max(worst, inside - most(heardMs - from));
    }
  }
  return worst;
}

async function redisMs(redis: RedisConnections): Promise<number> {
  const [seconds, microseconds] = await redis.ask((commands) => commands.time());
  return Number(seconds) * 1_000 + Number(microseconds) / 1_000;
}

describe('the exactness of limits', function () {
  this.timeout(60_000);
  let redis: RedisConnections;
  beforeEach(async () => {
    redis = await openTestRedis();
  });
  afterEach(() => redis.close());

  it('G1: eight clients never get more than 100 a second and a burst of 20, whatever the boundary', async () => {
    const prefix = redisPrefix('g1');
    const clients = await Promise.all(Array.from({ length: 8 }, () => openTestRedis({ prefix })));
    const limits = { 'provider:acme': gcra({ limit: 100, perSeconds: 1, burst: 20 }) };
    const started = performance.now();

    const admitted = await Promise.all(clients.map((client) => hammer(limiterWith(client, limits), started + 2_500)));

    const all = admitted.flat();
    const seconds = (performance.now() - started) / 1_000;
    assert.ok(all.length <= 20 + 100 * seconds + 1, `${all.length} in ${seconds} s`);
    assert.ok(all.length >= 200, `only ${all.length} in ${seconds} s: the test did not press`);
    assert.ok(worstExcess(all, (lengthMs) => 20 + lengthMs / 10) <= 1);
    assert.ok(worstExcess(all, (lengthMs) => (lengthMs <= 1_000 ? 120 : Number.POSITIVE_INFINITY)) <= 0);
    await Promise.all(clients.map((client) => client.close()));
  });

  for (const perSeconds of [0.1, 0.3, 0.5, 0.9]) {
    it(`G2: a window of ${perSeconds} s is exact`, async () => {
      const limiter = limiterWith(redis, { 'endpoint:short': slidingLog({ limit: 5, perSeconds }) });
      const windowMs = perSeconds * 1_000;
      // A busy machine may be slower than the window: then the calls were not together, and new ones are made.
      const { call, before, refused, heard } = await eventually(async () => {
        const own = { tenant, endpoint: 'short', user: `u${Math.random()}` };
        const start = await redisMs(redis);
        const first = await Promise.all(Array.from({ length: 12 }, () => limiter.take(own)));
        const last = await limiter.check(own);
        const end = await redisMs(redis);
        assert.ok(end - start < windowMs, 'the machine is too slow');
        assert.equal(first.filter(({ allowed }) => allowed).length, 5);
        return { call: own, before: start, refused: last, heard: end };
      });

      const again = await eventually(
        async () => {
          const { allowed } = await limiter.take(call);
          assert.ok(allowed);
          return redisMs(redis);
        },
        { everyMs: 1 },
      );

      assert.ok(again - before >= windowMs, 'not before the window was over');
      assert.equal(refused.allowed, false);
      assert.ok(refused.retryAfterMs <= windowMs && refused.retryAfterMs >= windowMs - (heard - before));
    });
  }

  for (const make of [gcra, slidingLog]) {
    it(`G3: after 10,000 refusals under ${make.name} the next call is allowed on time`, async () => {
      const limiter = limiterWith(redis, { 'endpoint:rare': make({ limit: 1, perSeconds: 60 }) });
      const call = { tenant, endpoint: 'rare', user: make.name };
      const earliest = await redisMs(redis);
      await limiter.take(call);
      const latest = await redisMs(redis);

      const answers = await Promise.all(Array.from({ length: 10_000 }, () => limiter.take(call)));
      const asked = await redisMs(redis);
      const last = await limiter.take(call);
      const heard = await redisMs(redis);

      assert.equal(answers.filter(({ allowed }) => allowed).length, 0);
      // The true time of the next room lies between these, and the answer must name it within 5 ms.
      const [dueFrom, dueTo] = [earliest + 60_000, latest + 60_000];
      assert.ok(asked + last.retryAfterMs <= dueTo + 5, `${asked + last.retryAfterMs - dueTo} ms late`);
      assert.ok(heard + last.retryAfterMs >= dueFrom - 5, `${dueFrom - heard - last.retryAfterMs} ms early`);
    });
  }

  it('gives a call that was refused its room at the very moment that the refusal named', async () => {
    const limiter = limiterWith(redis, { 'endpoint:brief': gcra({ limit: 1, perSeconds: 0.2 }) });
    const call = { tenant, endpoint: 'brief' };
    await limiter.take(call);
    const refused = await limiter.take(call);
    const due = (await redisMs(redis)) + refused.retryAfterMs;

    await eventually(async () => (await redisMs(redis)) >= due, { everyMs: 1 });

    assert.equal((await limiter.take(call)).allowed, true);
  });
});
