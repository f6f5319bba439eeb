import assert from 'node:assert/strict';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { Script } from '../system/acceptance/script.ts';
import { ended } from '../system/acceptance/views.ts';

describe('a worker that hosts none of a graph’s handlers', () => {
  const script = new Script();
  const { mixed, swift, chain } = scriptedGraphs(script);
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('hosting');
    await muster.work();
    await muster.work({ graphs: [mixed, swift, chain] });
  });
  after(() => muster?.close());

  it('keeps no task of it from completing', async () => {
    const names = ['chain', 'mixed', 'swift', 'chain'];
    const tasks = await Promise.all(names.map((name) => muster.client.submit(name, { urgent: true })));

    const views = await Promise.all(tasks.map(ended));

    assert.deepEqual(
      views.map((view) => view.task.status),
      names.map(() => 'completed'),
    );
    const runs = views.flatMap((view) => view.traces[0]?.runs ?? []);
    assert.equal(
      runs.every((run) => run.error === null || run.error.code === 'skipped'),
      true,
    );
  });
});
