import assert from 'node:assert/strict';
import { DEFAULT_QUEUE_SETTINGS } from '../../domain/queues/queue-settings.ts';
import { ClaimBed } from './claim-bed.ts';

describe('a claim', () => {
  let bed: ClaimBed;

  before(async () => {
    bed = await ClaimBed.open('claims');
  });
  after(() => bed?.close());
  beforeEach(() => {
    bed.settings = DEFAULT_QUEUE_SETTINGS;
  });

  it('C019: leaves a task alone that is not first in its user’s line, even while the user is free', async () => {
    const [first, second] = await bed.insert({ user: 'in-line' }, 2);
    assert.ok(first && second);

    assert.deepEqual(await bed.claimIds([second]), []);
    assert.deepEqual(await bed.claimIds([second, first]), [first]);
    assert.deepEqual(await bed.claimIds([second]), []);
  });

  it('C019: puts a user’s more urgent task before the older one', async () => {
    const older = await bed.insert({ user: 'urgent' });
    const urgent = await bed.insert({ user: 'urgent', priority: 2 });

    assert.deepEqual(await bed.claimIds(older), []);
    assert.deepEqual(await bed.claimIds(urgent), urgent);
  });

  it('C085: gives a task to one of those that claim it together', async () => {
    const ids = await bed.insert({}, 3);

    const claims = await Promise.all(['one', 'two', 'three', 'four'].map((workerId) => bed.claimIds(ids, workerId)));

    assert.deepEqual(claims.flat().toSorted(), ids.toSorted());
  });
});
