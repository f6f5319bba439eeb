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

  it('C019: puts a user’s more urgent task before the older one of the same band, or that was asked for with it', async () => {
    const older = await bed.insert({ user: 'urgent' });
    const urgent = await bed.insert({ user: 'urgent', priority: 4 });
    const mostUrgent = await bed.insert({ user: 'urgent', priority: 2 });

    assert.deepEqual(await bed.claimIds(older), []);
    assert.deepEqual(await bed.claimIds([...urgent, ...mostUrgent]), mostUrgent);
  });

  it('C019: lets a task have its turn before a user’s more urgent one', async () => {
    await bed.insert({ user: 'patient', priority: 2 });
    const patient = await bed.insert({ user: 'patient', priority: 8 });

    assert.deepEqual(await bed.claimIds(patient), patient);
  });

  it('without Redis, finds the lowest band and what has waited longest, when it is their turn', async () => {
    const low = await bed.insert({ priority: 8 }, 2);
    const high = await bed.insert({ priority: 2 }, 2);
    await bed.asSuperuser(`update muster.tasks set created_at = now() - interval '2 minutes' where id = '${high[1]}'`);

    assert.deepEqual(await bed.ready(1, 'lowest'), low.slice(0, 1));
    assert.deepEqual(await bed.ready(1, 'longest'), [high[1]]);
    assert.equal((await bed.ready(1)).filter((id) => high.includes(id)).length, 1);
  });

  it('C085: gives a task to one of those that claim it together', async () => {
    const ids = await bed.insert({}, 3);

    const claims = await Promise.all(['one', 'two', 'three', 'four'].map((workerId) => bed.claimIds(ids, workerId)));

    assert.deepEqual(claims.flat().toSorted(), ids.toSorted());
  });
});
