import assert from 'node:assert/strict';
import { LIMIT_CLASSES, OUTAGE_MATRIX } from '../../../domain/limits/outage.ts';
import { gcra, slidingLog } from '../../../domain/limits/rate-limit.ts';
import { GuardedRedis } from '../../../redis/limits/guarded-redis.ts';
import { OnceKeys } from '../../../redis/limits/once.ts';
import { ProcessSlots } from '../../../redis/limits/process-slots.ts';
import type { RateLimiter } from '../../../redis/limits/rate-limiter.ts';
import { openRedis, type RedisConnections } from '../../../redis/open-redis.ts';
import { eventually, patience } from '../../support/eventually.ts';
import { type PrivateStack, redisPrefix, startPrivateStack } from '../../support/stack.ts';
import { startProxy, type TcpProxy, through } from '../../support/tcp-proxy.ts';
import { SILENT_LOG } from '../redis-under-test.ts';
import { limiterWith } from './limiter-under-test.ts';

const tenant = 't';
/** Of a call that waits for a hung store: what is promised, and what a machine that is busy with other things may add. */
const DECISION_MS = 300;
const SLACK_MS = 300;

describe('the limiter without its store', function () {
  this.timeout(60_000);
  let stack: PrivateStack;
  let proxy: TcpProxy;
  const opened: RedisConnections[] = [];

  before(async () => {
    stack = await startPrivateStack({ only: ['redis'] });
  });
  after(() => stack.close());
  beforeEach(async () => {
    proxy = await startProxy({ targetPort: stack.redis.port });
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((redis) => redis.close()));
    await proxy.close();
  });

  async function connection(
    prefix = redisPrefix('limits'),
    more: { commandTimeoutMs?: number } = {},
  ): Promise<RedisConnections> {
    const redis = await openRedis({ url: through(proxy, stack.redisUrl), prefix, log: SILENT_LOG, ...more });
    opened.push(redis);
    return redis;
  }

  /** Three processes that share their limits. */
  async function three(limits: Parameters<typeof limiterWith>[1]): Promise<RateLimiter[]> {
    const prefix = redisPrefix('three');
    const options = { liveProcesses: () => 3, timeoutMs: 200 };
    return Promise.all([1, 2, 3].map(async () => limiterWith(await connection(prefix), limits, options)));
  }

  for (const behaviour of ['fresh', 'half used'] as const) {
    it(`G4: decides within 300 ms when the store hangs, and admits no more than the limit in total (${behaviour})`, async () => {
      const limiters = await three({ 'provider:acme': gcra({ limit: 60, perSeconds: 3_600 }) });
      const call = { tenant, provider: 'acme' };
      let admitted = 0;
      if (behaviour === 'half used') {
        for (let round = 0; round < 10; round += 1) {
          const answers = await Promise.all(limiters.map((limiter) => limiter.take(call)));
          admitted += answers.filter(({ allowed }) => allowed).length;
        }
      } else {
        await Promise.all(limiters.map((limiter) => limiter.check(call)));
      }
      const beforeHang = admitted;
      proxy.set('blackHole');

      const times: number[] = [];
      for (let round = 0; round < 40; round += 1) {
        const started = performance.now();
        const answers = await Promise.all(limiters.map((limiter) => limiter.take(call)));
        times.push(performance.now() - started);
        admitted += answers.filter(({ allowed }) => allowed).length;
        assert.deepEqual(new Set(answers.map(({ source }) => source)), new Set(['local']));
      }

      assert.ok(proxy.dropped > 0, 'the fault took place');
      assert.ok(
        Math.max(...times) <= DECISION_MS + SLACK_MS * patience(),
        `the slowest decision took ${Math.max(...times)} ms`,
      );
      assert.ok(
        times.filter((ms) => ms > 100).length <= 12,
        `after five failures nobody waits: ${times.map(Math.round)}`,
      );
      assert.ok(admitted <= 60, `${admitted} admitted`);
      assert.ok(
        admitted - beforeHang >= 20,
        `only ${admitted - beforeHang} admitted while the store hung: no full stop`,
      );
      for (const limiter of limiters) {
        assert.ok(limiter.isUnavailable);
        assert.ok(limiter.counters.unanswered >= 5 && limiter.counters.breakerOpened === 1);
        assert.equal(limiter.counters.localShare, 40);
      }
    });
  }

  it('G4: asks the store again once it answers, and continues where the store had stopped', async () => {
    const [limiter] = await three({ 'provider:acme': gcra({ limit: 60, perSeconds: 3_600 }) });
    assert.ok(limiter);
    const call = { tenant, provider: 'acme' };
    assert.equal((await limiter.take(call)).remaining, 59);
    proxy.set('blackHole');
    await eventually(async () => {
      await limiter.take(call);
      return limiter.isUnavailable;
    });
    proxy.set('pass');

    const answer = await eventually(async () => {
      const next = await limiter.take(call);
      assert.equal(next.source, 'redis');
      return next;
    });

    assert.equal(limiter.isUnavailable, false);
    assert.ok((answer.remaining ?? 60) <= 58);
  });

  it('lets a share of less than one call be saved up, instead of stopping for good', async () => {
    let nowMs = 0;
    const redis = await connection();
    const options = { liveProcesses: () => 10, nowMs: () => nowMs, timeoutMs: 200 };
    const limits = { 'provider:rare': gcra({ limit: 2, perSeconds: 60 }) };
    const ten = Array.from({ length: 10 }, () => limiterWith(redis, limits, options));
    proxy.set('refuse');
    proxy.closeAll();
    await eventually(async () => (await ten[0]?.take({ tenant, provider: 'rare' }))?.source === 'local');
    const admittedUntil = async (endMs: number): Promise<number> => {
      let admitted = 0;
      for (; nowMs < endMs; nowMs += 5_000) {
        const answers = await Promise.all(ten.map((limiter) => limiter.take({ tenant, provider: 'rare' })));
        admitted += answers.filter(({ allowed }) => allowed).length;
      }
      return admitted;
    };

    const minute = await admittedUntil(60_000);
    const tenMinutes = minute + (await admittedUntil(600_000));

    assert.ok(minute <= 2 + 2, `${minute} in the first minute`);
    assert.ok(tenMinutes <= 2 + 20 && tenMinutes >= 10, `${tenMinutes} in ten minutes`);
  });

  it('B7: nobody sees that Redis has forgotten the scripts', async () => {
    const redis = await connection(undefined, { commandTimeoutMs: 10_000 });
    const limiter = limiterWith(redis, { 'endpoint:x': gcra({ limit: 100_000, perSeconds: 1 }) });
    const slots = new ProcessSlots(new GuardedRedis(redis, { timeoutMs: 10_000 }), { tenant, liveProcesses: () => 1 });
    let flushes = 0;

    const calls = Array.from({ length: 1_000 }, async (_, index) => {
      if (index % 50 === 0) {
        await redis.ask((commands) => commands.script('FLUSH'));
        flushes += 1;
      }
      if (index % 10 === 0) assert.ok((await slots.acquire(`k${index}`, { limit: 1 })).acquired);
      const reservation = await limiter.reserve({ tenant, endpoint: 'x', user: `u${index}` });
      assert.equal(await limiter.settle(reservation, 0), 'settled');
      return reservation;
    });
    const answers = await Promise.all(calls);

    assert.equal(flushes, 20);
    assert.ok(answers.every(({ allowed, source }) => allowed && source === 'redis'));
    assert.equal(limiter.counters.unanswered, 0);
  });

  describe('C084: with Redis stopped', () => {
    let limiter: RateLimiter;
    let guarded: GuardedRedis;
    before(() => stack.redis.kill('SIGKILL'));
    after(() => stack.redis.start());
    beforeEach(async () => {
      const redis = await connection();
      guarded = new GuardedRedis(redis);
      limiter = limiterWith(
        redis,
        { 'endpoint:x': slidingLog({ limit: 6, perSeconds: 3_600 }) },
        {
          liveProcesses: () => 2,
          timeoutMs: 200,
        },
      );
    });

    const expected: Record<(typeof LIMIT_CLASSES)[number], number> = {
      chat: 20,
      read: 20,
      job: 20,
      auth: 0,
      economy: 0,
      sensitive: 0,
      key_write: 0,
      provider: 3,
      model: 3,
      money: 3,
      other: 3,
    };
    for (const name of LIMIT_CLASSES) {
      it(`${name} is ${OUTAGE_MATRIX[name]}: ${expected[name]} of 20 calls at a limit of 6 for two processes`, async () => {
        const answers = [];
        for (let count = 0; count < 20; count += 1) {
          answers.push(await limiter.take({ tenant, user: name, endpoint: 'x', class: name }));
        }

        assert.equal(answers.filter(({ allowed }) => allowed).length, expected[name]);
        assert.ok(answers.every(({ source }) => source === 'local'));
        const { failedOpen, failedClosed, localShare } = limiter.counters;
        const counted = { open: failedOpen, closed: failedClosed, local_share: localShare };
        assert.deepEqual(counted, { open: 0, closed: 0, local_share: 0, [OUTAGE_MATRIX[name]]: 20 });
        assert.ok(answers.filter(({ allowed }) => !allowed).every(({ retryAfterMs }) => retryAfterMs > 0));
      });
    }

    it('an endpoint has the class of its kind', async () => {
      const outcome = async (endpoint: string) => (await limiter.take({ tenant, user: 'ada', endpoint })).allowed;

      assert.deepEqual(
        [await outcome('reply'), await outcome('memory_search'), await outcome('auth'), await outcome('economy')],
        [true, true, false, false],
      );
    });

    it('a chat that uses a provider keeps the share of the provider', async () => {
      const limits = { 'provider:acme': slidingLog({ limit: 4, perSeconds: 3_600 }) };
      const chat = limiterWith(await connection(), limits, { liveProcesses: () => 2, timeoutMs: 200 });

      const answers = [];
      for (let count = 0; count < 10; count += 1) {
        answers.push(await chat.take({ tenant, endpoint: 'reply', provider: 'acme' }));
      }

      assert.equal(answers.filter(({ allowed }) => allowed).length, 2);
    });

    it('tokens are reserved and settled from the share, once', async () => {
      const limits = { 'model:big/tokens': gcra({ limit: 1_000, perSeconds: 3_600_000 }) };
      const local = limiterWith(await connection(), limits, { liveProcesses: () => 2, timeoutMs: 200 });
      const call = { tenant, model: 'big', tokens: 400 };
      const reservation = await local.reserve(call, { id: 'r' });
      assert.equal((await local.reserve(call, { id: 'other' })).allowed, false);

      const answers = [await local.settle(reservation, 100), await local.settle(reservation, 0)];

      assert.deepEqual(answers, ['settled', 'repeated']);
      const left = (await local.status(call)).map(({ remaining }) => remaining);
      assert.deepEqual(left, [400]);
      assert.equal((await local.reserve(call)).allowed, true);
    });

    it('a reservation of another tenant under the same id is another one', async () => {
      const limits = { 'model:big/tokens': gcra({ limit: 1_000, perSeconds: 3_600_000 }) };
      const local = limiterWith(await connection(), limits, { liveProcesses: () => 2, timeoutMs: 200 });
      const call = { tenant, model: 'big', tokens: 100 };

      const ours = await local.reserve(call, { id: 'chat-1' });
      const theirs = await local.reserve({ ...call, tenant: 'other' }, { id: 'chat-1' });

      assert.deepEqual([ours.remaining, theirs.remaining], [400, 300]);
      assert.deepEqual([await local.settle(theirs, 0), await local.settle(ours, 0)], ['settled', 'settled']);
    });

    it('a cooldown and an idempotency key refuse, and a slot comes from the share', async () => {
      const once = new OnceKeys(guarded);
      const slots = new ProcessSlots(guarded, { tenant, liveProcesses: () => 2 });

      assert.equal((await once.cooldown({ tenant, user: 'ada', command: 'daily' })).allowed, false);
      assert.equal(
        (await once.cooldown({ tenant, user: 'ada', command: 'wave', seconds: 5, class: 'chat' })).allowed,
        true,
      );
      assert.equal((await once.once(tenant, 'k')).allowed, false);
      const held = await Promise.all([1, 2, 3].map(() => slots.acquire('model', { limit: 4 })));
      assert.deepEqual(
        held.map(({ acquired }) => acquired),
        [true, true, false],
      );
      const [first] = held;
      assert.ok(first?.acquired && first.slot.source === 'local' && (await slots.renew(first.slot)));
      await slots.release(first.slot);
      assert.equal((await slots.acquire('model', { limit: 4 })).acquired, true);
    });
  });
});
