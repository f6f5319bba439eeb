import assert from 'node:assert/strict';
import { isStoreOutage } from '../../domain/errors.ts';
import { growingWaitMs, halfToAll } from '../../domain/waits.ts';

describe('waits', () => {
  it('grow by their factor up to the longest, however often they failed', () => {
    const doubling = { firstMs: 20, mostMs: 400 };

    assert.deepEqual(
      [1, 2, 3, 5, 6, 5_000].map((failures) => growingWaitMs(doubling, failures)),
      [20, 40, 80, 320, 400, 400],
    );
    assert.equal(growingWaitMs({ firstMs: 5, factor: 1, mostMs: 9 }, 50), 5);
  });

  it('are spread from half to all of them', () => {
    assert.deepEqual([halfToAll(100, 0), halfToAll(100, 0.5), halfToAll(100, 1)], [50, 75, 100]);
  });
});

describe('an outage of a store', () => {
  it('is told by its code, and is none where this program closed the connection', () => {
    const outage = (retryable?: boolean) => ({ code: 'service_unreachable', message: 'gone', retryable });

    assert.deepEqual([outage(), outage(true), outage(false), new Error('no')].map(isStoreOutage), [
      true,
      true,
      false,
      false,
    ]);
  });
});
