import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isDataFault } from '../../database/database-faults.ts';
import { GroupCommit } from '../../database/group-commit.ts';

/** A store that refuses groups with a bad item in them, and remembers what it was asked to write. */
const storeOf = (isBad: (item: number) => boolean, max = 1_000, writers = 1) => {
  const groups: number[][] = [];
  let underWay = 0;
  const commit = new GroupCommit<number, number>({
    max,
    writers,
    isFaultOfItem: (error) => error instanceof RangeError,
    write: async (items) => {
      underWay += 1;
      assert.ok(underWay <= writers, `${underWay} writes at once`);
      groups.push([...items]);
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
      if (items.some(isBad)) throw new RangeError('a bad item');
      return items.map((item) => item * 2);
    },
  });
  return { commit, groups };
};
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('a group commit', () => {
  it('writes what comes together at once, and what comes meanwhile next', async () => {
    const { commit, groups } = storeOf(() => false);

    const first = numbers(5).map((item) => commit.add(item));
    await new Promise((resolve) => setImmediate(resolve));
    const second = numbers(3).map((item) => commit.add(10 + item));
    const answers = await Promise.all([...first, ...second]);

    assert.deepEqual(groups, [
      [0, 1, 2, 3, 4],
      [10, 11, 12],
    ]);
    assert.deepEqual(answers, [0, 2, 4, 6, 8, 20, 22, 24]);
  });

  it('writes no more at once than it may', async () => {
    const { commit, groups } = storeOf(() => false, 4);

    await Promise.all(numbers(10).map((item) => commit.add(item)));

    assert.deepEqual(
      groups.map((group) => group.length),
      [4, 4, 2],
    );
  });

  it('shares what comes together among its writers, unless it is too little', async () => {
    const { commit, groups } = storeOf(() => false, 1_000, 2);

    await Promise.all(numbers(50).map((item) => commit.add(item)));
    await Promise.all(numbers(5).map((item) => commit.add(item)));

    assert.deepEqual(
      groups.map((group) => group.length),
      [25, 25, 5],
    );
  });

  it('writes what comes meanwhile with a free writer once it is enough, and otherwise next', async () => {
    const { commit, groups } = storeOf(() => false, 1_000, 2);

    const first = numbers(5).map((item) => commit.add(item));
    await new Promise((resolve) => setImmediate(resolve));
    const few = numbers(3).map((item) => commit.add(item));
    const underWay = groups.length;
    const many = numbers(30).map((item) => commit.add(item));
    await Promise.all([...first, ...few, ...many]);
    await commit.idle();

    assert.equal(underWay, 1);
    assert.deepEqual(
      groups.map((group) => group.length),
      [5, 17, 16],
    );
  });

  it('fails exactly the items at fault, and answers each of the others with its own result', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(60)),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 3 }),
        async (bad, max, writers) => {
          const { commit } = storeOf((item) => bad.includes(item), max, writers);

          const results = await Promise.allSettled(numbers(40).map((item) => commit.add(item)));

          for (const [item, result] of results.entries()) {
            if (bad.includes(item)) assert.equal(result.status, 'rejected');
            else assert.deepEqual(result, { status: 'fulfilled', value: item * 2 });
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('fails a whole group when no item is at fault, and continues with the next one', async () => {
    let away = true;
    const commit = new GroupCommit<number, number>({
      max: 1_000,
      isFaultOfItem: () => false,
      write: async (items) => {
        if (away) throw new Error('the store is unavailable');
        return items;
      },
    });

    const failed = await Promise.allSettled(numbers(3).map((item) => commit.add(item)));
    away = false;

    assert.ok(failed.every((result) => result.status === 'rejected'));
    assert.equal(await commit.add(7), 7);
  });
});

/** As mailboxes group what they store: what the database refuses is the fault of an item. */
const messages = (max: number, write: (items: readonly number[]) => Promise<readonly number[]>) =>
  new GroupCommit<number, number>({ max, isFaultOfItem: isDataFault, write });
const refusal = () => Object.assign(new Error('a key is missing'), { code: '23503' });

describe('a group commit of messages', () => {
  it('carries out together what came together, and answers each item', async () => {
    const batches: number[][] = [];
    const commit = messages(3, async (items) => {
      batches.push([...items]);
      return items.map((item) => item * 2);
    });

    const results = await Promise.all([1, 2, 3, 4].map((item) => commit.add(item)));

    assert.deepEqual(results, [2, 4, 6, 8]);
    assert.deepEqual(batches, [[1, 2, 3], [4]]);
  });

  it('gives the error of a refused item to nobody else', async () => {
    const commit = messages(10, async (items) => {
      if (items.includes(2)) throw refusal();
      return items;
    });

    const ends = await Promise.allSettled([1, 2, 3].map((item) => commit.add(item)));

    assert.deepEqual(
      ends.map((end) => end.status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
  });

  it('fails all at once when the store is unavailable, and continues with what comes later', async () => {
    let calls = 0;
    const commit = messages(10, async (items) => {
      calls += 1;
      if (calls === 1) throw new Error('away');
      return items;
    });

    const ends = await Promise.allSettled([1, 2].map((item) => commit.add(item)));

    assert.deepEqual(
      ends.map((end) => end.status),
      ['rejected', 'rejected'],
    );
    assert.equal(await commit.add(3), 3);
    assert.equal(calls, 2);
  });
});
