import assert from 'node:assert/strict';
import fc from 'fast-check';
import { adjust, decide, type LimitState, UNTOUCHED, usedOf } from '../../../domain/limits/decide.ts';
import { gcra, type RateLimit, slidingLog } from '../../../domain/limits/rate-limit.ts';

/** Calls one after the other: milliseconds after the one before, and what each costs. */
const CALLS = fc.array(fc.record({ afterMs: fc.nat({ max: 3_000 }), cost: fc.integer({ min: 1, max: 4 }) }), {
  maxLength: 200,
});
const LIMIT = fc.record({ limit: fc.integer({ min: 4, max: 40 }), perSeconds: fc.constantFrom(0.1, 0.7, 1, 10, 60) });

interface Admitted {
  readonly atMs: number;
  readonly cost: number;
}

/** Lets the calls come, and says which were admitted. */
function admit(limit: RateLimit, calls: readonly { afterMs: number; cost: number }[]): Admitted[] {
  const admitted: Admitted[] = [];
  let state = UNTOUCHED;
  let nowMs = 0;
  for (const { afterMs, cost } of calls) {
    nowMs += afterMs;
    const answer = decide(limit, state, { nowMs, cost });
    state = answer.state;
    if (answer.allowed) admitted.push({ atMs: nowMs, cost });
  }
  return admitted;
}

/** The most that was admitted beyond what `most` allows for any stretch of time. */
function worstExcess(admitted: readonly Admitted[], most: (lengthMs: number) => number): number {
  let worst = Number.NEGATIVE_INFINITY;
  admitted.forEach((first, from) => {
    let sum = 0;
    for (const { atMs, cost } of admitted.slice(from)) {
      sum += cost;
      worst = Math.max(worst, sum - most(atMs - first.atMs));
    }
  });
  return worst;
}

describe('one limit', () => {
  it('I6: never admits more than the burst and the rate allow, in whatever stretch of time', () => {
    fc.assert(
      fc.property(LIMIT, fc.integer({ min: 4, max: 40 }), CALLS, ({ limit, perSeconds }, burst, calls) => {
        const admitted = admit(gcra({ limit, perSeconds, burst }), calls);

        const most = (lengthMs: number) => burst + (limit * lengthMs) / (perSeconds * 1_000);
        assert.ok(worstExcess(admitted, most) <= 1e-3);
      }),
    );
  });

  it('I6: never lets a sliding log hold more than its limit, wherever the window begins', () => {
    fc.assert(
      fc.property(LIMIT, CALLS, ({ limit, perSeconds }, calls) => {
        const admitted = admit(slidingLog({ limit, perSeconds }), calls);

        const most = (lengthMs: number) => (lengthMs < perSeconds * 1_000 ? limit : Number.POSITIVE_INFINITY);
        assert.ok(worstExcess(admitted, most) <= 0);
      }),
    );
  });

  for (const make of [gcra, slidingLog]) {
    it(`charges nothing for a refusal, and the wait that ${make.name} names is exact`, () => {
      fc.assert(
        fc.property(LIMIT, CALLS, (options, calls) => {
          const limit = make(options);
          let state: LimitState = UNTOUCHED;
          let nowMs = 0;
          for (const { afterMs, cost } of calls) {
            nowMs += afterMs;
            const answer = decide(limit, state, { nowMs, cost });
            if (!answer.allowed) {
              const { retryAfterMs, state: after } = answer;
              assert.ok(
                Math.abs(usedOf(limit, after) - usedOf(limit, decide(limit, state, { nowMs, cost: 0 }).state)) < 1e-9,
              );
              assert.ok(decide(limit, after, { nowMs: nowMs + retryAfterMs + 0.01, cost }).allowed);
              assert.ok(!decide(limit, after, { nowMs: nowMs + retryAfterMs - 0.1, cost }).allowed);
            }
            state = answer.state;
          }
        }),
      );
    });

    it(`makes nobody who is under ${make.name} wait for a clock that went back, and gives nothing back for it`, () => {
      const limit = make({ limit: 3, perSeconds: 10 });
      let state = UNTOUCHED;
      for (let count = 0; count < 3; count += 1) state = decide(limit, state, { nowMs: 1_000_000, cost: 1 }).state;

      const back = decide(limit, state, { nowMs: 400_000, cost: 1 });

      assert.equal(back.allowed, false);
      assert.ok(back.retryAfterMs <= 10_000);
      assert.ok(decide(limit, back.state, { nowMs: 410_001, cost: 3 }).allowed);
    });
  }

  it('lets a debt be paid off before anything is admitted again', () => {
    const limit = gcra({ limit: 10, perSeconds: 10 });
    const state = adjust(limit, UNTOUCHED, { nowMs: 0, cost: 25 });

    assert.deepEqual(
      [decide(limit, state, { nowMs: 0, cost: 1 }).retryAfterMs, decide(limit, state, { nowMs: 0, cost: 1 }).remaining],
      [16_000, 0],
    );
    assert.equal(decide(limit, state, { nowMs: 16_000, cost: 1 }).allowed, true);
    assert.equal(usedOf(limit, adjust(limit, state, { nowMs: 0, cost: -100 })), 0);
  });

  it('blocks from the first call too many on, and the block does not grow by calls during it', () => {
    const limit = slidingLog({ limit: 1, perSeconds: 1, blockSeconds: 60 });
    const { state } = decide(limit, UNTOUCHED, { nowMs: 0, cost: 1 });
    const over = decide(limit, state, { nowMs: 500, cost: 1 });

    const during = decide(limit, over.state, { nowMs: 30_000, cost: 1 });

    assert.deepEqual([over.retryAfterMs, during.retryAfterMs], [60_000, 30_500]);
    assert.equal(decide(limit, during.state, { nowMs: 60_500, cost: 1 }).allowed, true);
  });
});
