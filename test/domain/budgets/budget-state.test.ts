import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type BudgetAsk, NO_LIMITS } from '../../../domain/budgets/amounts.ts';
import {
  added,
  type BudgetState,
  excessOf,
  isSoft,
  isSoftIn,
  isSoftWith,
  NOTHING,
  spawnExcess,
  usedOf,
} from '../../../domain/budgets/budget-state.ts';
import { TENANT_SCOPE } from '../../../domain/budgets/scopes.ts';

const EMPTY: BudgetState = {
  ...{ scope: TENANT_SCOPE, limits: NO_LIMITS, spent: NOTHING, reserved: NOTHING },
  ...{ elapsedMs: 0, depth: 0, fanOut: 0, softPercent: 80, whenExhausted: 'end' },
};
const amount = fc.integer({ min: 0, max: 1_000 });
const anAsk: fc.Arbitrary<BudgetAsk> = fc.record({ tokens: amount, costMicros: amount, steps: amount });
const limit = fc.option(amount, { nil: null });

describe('the decision about a budget', () => {
  it('never lets what is used exceed a limit, whatever is asked for', () => {
    const limits = fc.record({ tokens: limit, money: limit, steps: limit });

    fc.assert(
      fc.property(limits, fc.array(anAsk), (given, asks) => {
        let state: BudgetState = { ...EMPTY, limits: { ...NO_LIMITS, ...given } };
        for (const ask of asks)
          if (excessOf(state, ask) === null) state = { ...state, reserved: added(state.reserved, ask) };

        const used = usedOf(state);
        for (const what of ['tokens', 'money', 'steps'] as const) assert.ok(used[what] <= (given[what] ?? Infinity));
      }),
    );
  });

  it('takes every ask that fits, to the last token', () => {
    const state = { ...EMPTY, limits: { ...NO_LIMITS, tokens: 100 }, spent: { ...NOTHING, tokens: 60 } };

    assert.equal(excessOf(state, { ...NOTHING, tokens: 40 }), null);
    assert.deepEqual(excessOf(state, { ...NOTHING, tokens: 41 }), {
      ...{ scope: 'tenant', what: 'tokens', limit: 100, used: 60, asked: 41 },
    });
  });

  it('is over when the time is', () => {
    const limits = { ...NO_LIMITS, time: 1_000 };

    assert.equal(excessOf({ ...EMPTY, limits, elapsedMs: 999 }, NOTHING), null);
    assert.equal(excessOf({ ...EMPTY, limits, elapsedMs: 1_000 }, NOTHING)?.what, 'time');
  });

  it('tells the model to end from the soft threshold on', () => {
    const limits = { ...NO_LIMITS, steps: 10, depth: 0 };
    const softAfter = (steps: number) => isSoft({ ...EMPTY, limits, spent: { ...NOTHING, steps } });

    assert.deepEqual([softAfter(7), softAfter(8)], [false, true]);
  });

  it('is near the end of those limits only of which much is used', () => {
    const limits = { ...NO_LIMITS, tokens: 100, steps: 10 };
    const state = { ...EMPTY, limits, spent: { ...NOTHING, tokens: 80, steps: 2 } };

    const near = (['tokens', 'steps', 'money'] as const).filter((what) => isSoftIn(state, what));

    assert.deepEqual(near, ['tokens']);
  });

  it('expects of a call what those before it cost, and not what it may cost at most', () => {
    const state: BudgetState = { ...EMPTY, limits: { ...NO_LIMITS, tokens: 1_000 } };
    const spent = (tokens: number, steps: number) => ({ ...state, spent: { ...NOTHING, tokens, steps } });
    const most = { ...NOTHING, tokens: 500, steps: 1 };

    assert.equal(isSoftWith(state, { ...most, tokens: 1_000 }), false);
    assert.deepEqual([isSoftWith(spent(600, 4), most), isSoftWith(spent(640, 4), most)], [false, true]);
    assert.equal(isSoftWith({ ...state, reserved: { ...NOTHING, tokens: 800 } }, most), true);
  });

  it('counts depth from the task that has the limit, and spawned tasks together', () => {
    const limits = { ...NO_LIMITS, depth: 2, fan_out: 3 };
    const parent: BudgetState = { ...EMPTY, limits, depth: 4, fanOut: 2 };

    assert.equal(spawnExcess([parent], { depth: 6, count: 1 }), null);
    assert.equal(spawnExcess([parent], { depth: 7, count: 1 })?.what, 'depth');
    assert.equal(spawnExcess([parent], { depth: 5, count: 2 })?.what, 'fan_out');
  });

  it('adds amounts in any order to the same sum', () => {
    fc.assert(fc.property(anAsk, anAsk, (one, other) => assert.deepEqual(added(one, other), added(other, one))));
  });
});
