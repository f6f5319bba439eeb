import assert from 'node:assert/strict';
import type { ClaimedTask } from '../../entities/tasks/claimed-task.ts';
import { eventually } from '../support/eventually.ts';
import { DispatchBed } from './dispatch-bed.ts';

const URGENT = 1;
const LOW = 10;

describe('an urgent task', () => {
  let bed: DispatchBed;

  beforeEach(async () => {
    bed = await DispatchBed.open('urgent');
  });
  afterEach(() => bed?.close());

  const started = (count: number) => eventually(() => bed.started.length >= count, { what: `${count} starts` });
  const urgentOnes = () => bed.started.filter((task) => task.priority === 'high');

  it('starts at once while tasks that share executions hold back those behind them', async () => {
    await bed.submit({ graph: 'swift', priority: LOW }, 400);
    bed.dispatch();
    await started(400);

    await bed.submit({ graph: 'swift', priority: LOW }, 50);
    const [urgent] = await bed.submit({ graph: 'swift', priority: URGENT });
    await started(401);

    const { waiting } = await bed.queue.depth();
    assert.deepEqual([bed.ids[400], waiting.low], [urgent, 50]);
  });

  it('starts at once while low ones hold every other place, and the next one when it has ended', async () => {
    await bed.submit({ priority: LOW }, 30);
    bed.dispatch({ capacity: 20 });
    await started(19);

    const urgent = [...(await bed.submit({ priority: URGENT })), ...(await bed.submit({ priority: URGENT }))];
    await started(20);
    await bed.end(bed.started[19] as ClaimedTask);
    await started(21);

    assert.deepEqual(
      urgentOnes().map((task) => task.execution.taskId),
      urgent,
    );
    assert.equal((await bed.queue.depth()).waiting.low, 11);
  });

  it('starts at once while low ones hold every other place and Redis is unavailable', async () => {
    await bed.submit({ priority: LOW }, 30);
    const dispatcher = bed.dispatch({ capacity: 20 });
    await started(19);
    bed.proxy.set('reset');

    const [urgent] = await bed.claims.insert({ priority: URGENT });
    dispatcher.hint();
    await started(20);

    assert.equal(bed.ids[19], urgent);
  });
});
