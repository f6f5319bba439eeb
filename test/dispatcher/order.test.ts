import assert from 'node:assert/strict';
import type { SubmitOptions, SubmittedTask } from '../../index.ts';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { Gate, Script } from '../system/acceptance/script.ts';

describe('the order in which tasks start', () => {
  const script = new Script();
  const graphs = Object.values(scriptedGraphs(script));
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('order', { environment: { MUSTER_MAX_CONCURRENT_TASKS: '1' } });
  });
  after(() => muster?.close());

  const submit = (options: SubmitOptions) => muster.client.submit('single', {}, options);

  it('C025: starts what waits by band, high before normal before low, and in a band as it was submitted', async () => {
    const gate = new Gate();
    script.on('work', gate.pass);
    const worker = await muster.work({ graphs });
    const first = await submit({ priority: 'low' });
    await eventually(() => script.calls.length === 1);
    const waiting: (SubmittedTask & { priority: string })[] = [];
    for (const priority of ['low', 'normal', 'high', 'normal', 'low', 'high', 'low', 'high', 'normal'] as const) {
      waiting.push(Object.assign(await submit({ priority }), { priority }));
    }

    const { waiting: depth, running } = await muster.client.queue();
    gate.open();
    await Promise.all([first, ...waiting].map((task) => task.result()));
    await worker.stop();

    const inBand = (band: string) => waiting.filter((task) => task.priority === band).map((task) => task.id);
    assert.deepEqual([depth, running], [{ high: 3, normal: 3, low: 3 }, 1]);
    assert.deepEqual(
      script.calls.map((call) => call.taskId),
      [first.id, ...inBand('high'), ...inBand('normal'), ...inBand('low')],
    );
    assert.equal(Math.max(...script.calls.map((call) => call.together)), 1);
  });
});
