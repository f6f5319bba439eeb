import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { eventually } from '../../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { WorkerProcess } from '../../support/worker-process.ts';
import { graphs } from './stray-graphs.ts';

describe('errors that handlers leave behind', function () {
  this.timeout(60_000);
  let muster: MusterUnderTest;
  let worker: WorkerProcess;

  before(async () => {
    muster = await openMuster('stray-errors');
    await muster.client.publish(graphs);
    const { environment, stack } = muster;
    const module = fileURLToPath(new URL('./stray-graphs.ts', import.meta.url));
    worker = await WorkerProcess.start({ environment, module, folder: stack.folder });
  });
  after(async () => {
    await worker?.close();
    await muster?.close();
  });

  it('do not end the worker, and are logged with the task and the node that they came from', async () => {
    const tasks = new Map<string, string>();
    for (const leaves of ['promise', 'timer']) {
      const task = await muster.client.submit('leaving', { leaves });
      await task.result();
      tasks.set(leaves, task.id);
    }

    const lines = await eventually(() => {
      const left = worker.log.filter((line) => line.includes('left behind; the worker continues'));
      assert.equal(left.length, 4);
      return left.map((line) => JSON.parse(line) as Record<string, unknown>);
    });
    const told = lines.map(({ taskId, nodeId, handler, attempt, error }) => [taskId, nodeId, handler, attempt, error]);
    const expected = [...tasks].flatMap(([leaves, id]) => {
      const error = leaves === 'timer' ? 'a timer that was left behind' : 'An object was thrown: {"status": 503}';
      return ['quick', 'slow'].map((node) => [id, node, `${node}-leaver`, 1, error]);
    });
    assert.deepEqual(told.toSorted(), expected.toSorted());
    const after = await muster.client.submit('leaving', { leaves: 'nothing' });
    assert.equal((await after.result()).output, null);
    assert.equal(worker.ending, null);
  });
});
