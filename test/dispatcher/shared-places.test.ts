import assert from 'node:assert/strict';
import { SHARED_PER_PLACE } from '../../dispatcher/places.ts';
import { eventually } from '../support/eventually.ts';
import { DispatchBed } from './dispatch-bed.ts';

const CAPACITY = 20;
/** One place is kept for urgent tasks. */
const PLACES = CAPACITY - 1;

describe('the places of tasks that share an execution', () => {
  let bed: DispatchBed;

  beforeEach(async () => {
    bed = await DispatchBed.open('shared-places');
  });
  afterEach(() => bed?.close());

  const started = (count: number) =>
    eventually(() => assert.equal(bed.started.length, count), { what: `${count} starts` });

  it('are parts of those of others, as long as places are enough for all of them, several to a place', async () => {
    const most = PLACES * SHARED_PER_PLACE;
    await bed.submit({ graph: 'swift' }, most + 50);

    const dispatcher = bed.dispatch({ capacity: CAPACITY });
    await eventually(() => assert.ok(bed.started.length > most - SHARED_PER_PLACE));

    assert.ok(bed.started.length <= most, `${bed.started.length}`);
    assert.equal(dispatcher.load.free, 0);
    assert.equal((await bed.queue.depth()).waiting.normal, most + 50 - bed.started.length);
  });

  it('let in no more of others than there are places, and the rest waits in the queue', async () => {
    await bed.submit({ graph: 'swift' }, PLACES);
    bed.dispatch({ capacity: CAPACITY });
    await started(PLACES);
    const free = PLACES - Math.ceil(PLACES / SHARED_PER_PLACE);

    await bed.submit({}, 2 * PLACES);
    await started(PLACES + free);

    const { waiting, leased } = await bed.queue.depth();
    assert.deepEqual([waiting.normal, leased], [2 * PLACES - free, 0]);
  });

  it('go to tenants in turn where small tasks could fill the last one again and again', async () => {
    await bed.submit({ tenant: 'long' }, PLACES - 1);
    bed.dispatch({ capacity: CAPACITY });
    await started(PLACES - 1);
    await bed.submit({ tenant: 'small', graph: 'swift' }, 100);
    await bed.submit({ tenant: 'large' }, 10);

    const order: string[] = [];
    await eventually(
      async () => {
        const next = bed.started[PLACES - 1 + order.length];
        if (next !== undefined) order.push(next.execution.tenant);
        if (next !== undefined) await bed.end(next);
        assert.equal(order.filter((tenant) => tenant === 'large').length, 10);
      },
      { withinMs: 30_000, everyMs: 5 },
    );

    assert.ok(order.length <= 40, `${order.length - 10} small tasks before the tenth large one`);
  });
});
