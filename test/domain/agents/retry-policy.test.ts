import assert from 'node:assert/strict';
import { DEFAULT_RETRY, retryDelayMs, retryFaults, retryPolicyOf } from '../../../domain/agents/retry-policy.ts';

const delay = (failures: number, more: { retryAfterMs?: number; chance?: number } = {}) =>
  retryDelayMs(DEFAULT_RETRY, { failures, retryAfterMs: null, chance: 0, ...more });

describe('the wait before another attempt', () => {
  it('is a second at first, doubles, and ends at a minute', () => {
    assert.deepEqual(
      [1, 2, 3, 6, 7, 40].map((failures) => delay(failures)),
      [1_000, 2_000, 4_000, 32_000, 60_000, 60_000],
    );
  });

  it('is up to a half longer by chance, and never longer than the most', () => {
    assert.equal(delay(1, { chance: 1 }), 1_500);
    assert.equal(delay(9, { chance: 1 }), 60_000);
  });

  it('is never shorter than the error asked for', () => {
    assert.equal(delay(1, { retryAfterMs: 90_000 }), 90_000);
    assert.ok(Math.abs(delay(1, { retryAfterMs: 90_000, chance: 1 }) - 99_000) <= 1);
    assert.equal(delay(2, { retryAfterMs: 0 }), 2_000);
  });
});

describe('a retry policy', () => {
  it('has its defaults where nothing is said', () => {
    assert.deepEqual(retryPolicyOf({ firstMs: 5 }), { ...DEFAULT_RETRY, firstMs: 5 });
  });

  it('names what it does not know or take', () => {
    assert.deepEqual(retryFaults({ firstMs: Number.NaN, factor: 11, mostMs: '1', limitWaitMs: 0, tries: 3 }).length, 5);
    assert.deepEqual(retryFaults('soon'), ['Expected an object as retry.']);
    assert.deepEqual(retryFaults(undefined), []);
  });
});
