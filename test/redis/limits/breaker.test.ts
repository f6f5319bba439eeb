import assert from 'node:assert/strict';
import { Breaker } from '../../../redis/limits/breaker.ts';

describe('breaker', () => {
  let nowMs: number;
  let breaker: Breaker;
  beforeEach(() => {
    nowMs = 0;
    breaker = new Breaker({ nowMs: () => nowMs });
  });
  const fail = (times: number): void => {
    for (let count = 0; count < times; count += 1) breaker.failed();
  };

  it('opens after five failures in a row, and not when a success comes between', () => {
    fail(4);
    breaker.succeeded();
    fail(4);
    assert.equal(breaker.isOpen, false);

    fail(1);

    assert.equal(breaker.isOpen, true);
    assert.equal(breaker.allows(), false);
  });

  it('lets one call a second try while it is open', () => {
    fail(5);

    const tries = Array.from({ length: 35 }, () => {
      nowMs += 100;
      return breaker.allows() ? nowMs : null;
    });

    assert.deepEqual(
      tries.filter((at) => at !== null),
      [1_000, 2_000, 3_000],
    );
  });

  it('closes with the first success, and counts how often it opened', () => {
    fail(7);
    breaker.succeeded();
    assert.equal(breaker.allows(), true);
    fail(5);

    assert.equal(breaker.timesOpened, 2);
  });
});
