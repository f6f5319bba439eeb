import assert from 'node:assert/strict';
import fc from 'fast-check';
import { adjust, decide, type LimitState, UNTOUCHED } from '../../../domain/limits/decide.ts';
import { gcra, type RateLimit, slidingLog } from '../../../domain/limits/rate-limit.ts';
import type { RedisConnections } from '../../../redis/open-redis.ts';
import { openTestRedis } from '../redis-under-test.ts';
import { letTimePass, limiterWith } from './limiter-under-test.ts';

/** Waiting is always by half a unit more, so that the milliseconds which a step really takes decide nothing. */
const UNIT_SECONDS = 1_000;
const BURST = 8;

const cost = fc.integer({ min: 1, max: 4 });
const STEPS = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('take' as const), cost }) },
    fc.record({ kind: fc.constant('look' as const), cost }),
    fc.record({ kind: fc.constant('reserve' as const), cost, real: fc.integer({ min: 0, max: 12 }) }),
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), units: fc.nat({ max: 6 }) }) },
  ),
  { minLength: 5, maxLength: 30 },
);

describe("the limiter's script", function () {
  this.timeout(120_000);
  let redis: RedisConnections;
  before(async () => {
    redis = await openTestRedis();
  });
  after(() => redis.close());

  const cases: { name: string; limit: RateLimit; limitName: string; skip: readonly string[] }[] = [
    {
      name: 'a limit that is spread evenly',
      limit: gcra({ limit: 4, perSeconds: 4 * UNIT_SECONDS, burst: BURST }),
      limitName: 'tenant:*/tokens',
      skip: [],
    },
    {
      name: 'a sliding log',
      limit: slidingLog({ limit: BURST, perSeconds: 8 * UNIT_SECONDS }),
      limitName: 'tenant:*',
      skip: ['reserve'],
    },
  ];

  for (const { name, limit, limitName, skip } of cases) {
    it(`answers as the pure rules of ${name} do`, async () => {
      let round = 0;
      const limiter = limiterWith(redis, { [limitName]: limit });
      const weigh = (weight: number) => (limitName.endsWith('/tokens') ? { tokens: weight } : { cost: weight });

      await fc.assert(
        fc.asyncProperty(STEPS, async (steps) => {
          round += 1;
          const tenant = `t${round}`;
          let state: LimitState = UNTOUCHED;
          let nowMs = 0;
          for (const step of steps.filter(({ kind }) => !skip.includes(kind))) {
            if (step.kind === 'wait') {
              const seconds = (step.units + 0.5) * UNIT_SECONDS;
              await letTimePass(redis, tenant, seconds);
              nowMs += seconds * 1_000;
              continue;
            }
            const expected = decide(limit, state, { nowMs, cost: step.cost });
            const call = { tenant, ...weigh(step.cost) };
            const reservation = step.kind === 'look' ? null : await limiter.reserve(call);
            const answer = reservation ?? (await limiter.check(call));
            assert.equal(answer.allowed, expected.allowed, `${JSON.stringify(step)} at ${nowMs}`);
            assert.ok(Math.abs(answer.retryAfterMs - expected.retryAfterMs) < UNIT_SECONDS * 100);
            if (reservation === null) continue;
            assert.equal(answer.remaining, expected.remaining);
            state = expected.state;
            if (step.kind !== 'reserve' || !answer.allowed) continue;
            assert.equal(await limiter.settle(reservation, step.real), 'settled');
            state = adjust(limit, state, { nowMs, cost: step.real - step.cost });
          }
        }),
        { numRuns: 40 },
      );
    });
  }
});
