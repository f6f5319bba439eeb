import assert from 'node:assert/strict';
import { isUuid } from '../../domain/ids.ts';
import { Batcher } from '../../messaging/batcher.ts';
import { derivedId } from '../../messaging/ids.ts';

const refusal = () => Object.assign(new Error('a key is missing'), { code: '23503' });

describe('a batcher', () => {
  it('carries out together what came together, and answers each item', async () => {
    const batches: number[][] = [];
    const batcher = new Batcher<number, number>(3, async (items) => {
      batches.push([...items]);
      return items.map((item) => item * 2);
    });

    const results = await Promise.all([1, 2, 3, 4].map((item) => batcher.add(item)));

    assert.deepEqual(results, [2, 4, 6, 8]);
    assert.deepEqual(batches, [[1, 2, 3], [4]]);
  });

  it('gives the error of a refused item to nobody else', async () => {
    const batcher = new Batcher<number, number>(10, async (items) => {
      if (items.includes(2)) throw refusal();
      return items;
    });

    const ends = await Promise.allSettled([1, 2, 3].map((item) => batcher.add(item)));

    assert.deepEqual(
      ends.map((end) => end.status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
  });

  it('fails all at once when the store is away, and goes on with what comes later', async () => {
    let calls = 0;
    const batcher = new Batcher<number, number>(10, async (items) => {
      calls += 1;
      if (calls === 1) throw new Error('away');
      return items;
    });

    const ends = await Promise.allSettled([1, 2].map((item) => batcher.add(item)));

    assert.deepEqual(
      ends.map((end) => end.status),
      ['rejected', 'rejected'],
    );
    assert.equal(await batcher.add(3), 3);
    assert.equal(calls, 2);
  });
});

describe('a derived id', () => {
  it('is a UUID, always the same one for the same parts, and another one for others', () => {
    assert.ok(isUuid(derivedId('step', 'a')));
    assert.equal(derivedId('step', 'a'), derivedId('step', 'a'));
    assert.notEqual(derivedId('ab', 'c'), derivedId('a', 'bc'));
  });
});
