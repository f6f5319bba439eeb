import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineAgent, defineGraph } from '../../../index.ts';
import { eventually } from '../../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { scriptedGraphs } from './graphs.ts';
import { Gate, hang, Script } from './script.ts';
import { ended, runOf } from './views.ts';

/** What is only noticed after many seconds: all of it is begun at once, and each test waits for its own. */
describe('what is noticed only after a while', function () {
  this.timeout(90_000);
  const script = new Script();
  const { chain, swift } = scriptedGraphs(script);
  const sleeper = defineAgent({
    name: 'sleeper',
    quick: true,
    retry: { firstMs: 5 },
    input: z.object({}),
    output: z.unknown(),
    handle: (_input, context) => script.run({}, context),
  });
  /** Two attempts of a quick node that together take longer than a local activity usually may. */
  const drowsy = defineGraph({
    name: 'drowsy',
    input: z.object({}),
    nodes: { sleep: { agent: sleeper, budget: { timeoutMs: 16_000, maxRetries: 1 } } },
    output: { sleep: { pointer: '/nodes/sleep', optional: true } },
  });
  let muster: MusterUnderTest;
  let begun: ReturnType<typeof begin>;

  before(async () => {
    muster = await openMuster('long-waits');
    await muster.work({ graphs: [chain, swift, drowsy] });
    begun = begin();
    for (const flow of Object.values(begun)) flow.catch(() => undefined);
  });
  after(() => muster?.close());

  const begin = () => ({
    terminated: terminate(),
    hung: hangQuickly(),
    stretch: cancelStretch(),
    agents: loseOneOfTwo(),
  });

  const terminate = async () => {
    script.on('first', new Gate().pass);
    const task = await muster.client.submit('chain', {});
    await eventually(() => script.callsOf('first').length === 1);
    const temporal = await muster.temporal();
    await temporal.workflow.getHandle(task.workflowId).terminate('a person did it');
    return ended(task);
  };

  it('ends a task as failed whose workflow was terminated, with every run and event', async () => {
    const view = await begun.terminated;

    assert.equal(view.task.status, 'failed');
    assert.deepEqual(view.task.error, {
      code: 'task_failed',
      message: 'The workflow was closed as terminated from outside.',
    });
    assert.equal(view.traces[0]?.status, 'failed');
    assert.deepEqual(
      ['first', 'second'].map((id) => [runOf(view, id).status, runOf(view, id).error?.code]),
      [
        ['fatal_error', 'handler_cancelled'],
        ['skipped', 'skipped'],
      ],
    );
  });

  const hangQuickly = async () => {
    script.on('sleep', hang);
    return ended(await muster.client.submit('drowsy', {}));
  };

  it('C005: times out a quick node that hangs in every attempt, however long they take together', async () => {
    const view = await begun.hung;

    assert.deepEqual(
      [runOf(view, 'sleep').status, runOf(view, 'sleep').attempts, runOf(view, 'sleep').error?.code],
      ['retryable_error', 2, 'handler_timed_out'],
    );
    assert.equal(script.callsOf('sleep').length, 2);
  });

  const cancelStretch = async () => {
    script.on('two', new Gate().pass);
    const task = await muster.client.submit('swift', {});
    await eventually(() => script.callsOf('two').length === 1);
    await task.cancel();
    const view = await ended(task);
    await eventually(() => script.callsOf('two').every((call) => call.ended !== null && call.signal.aborted));
    return { view, later: await task.show() };
  };

  it('cancels a task in the middle of a stretch of quick nodes, none of which is written', async () => {
    const { view, later } = await begun.stretch;

    assert.equal(view.task.status, 'cancelled');
    assert.deepEqual(
      ['one', 'two', 'three'].map((id) => runOf(view, id).status),
      ['skipped', 'skipped', 'skipped'],
    );
    assert.deepEqual(later, view);
  });

  const statusOf = async (name: string) =>
    (await muster.client.agents()).find((agent) => agent.name === name)?.status ?? 'unknown';

  const loseOneOfTwo = async () => {
    const workerOf = async () => (await muster.client.agents()).find((agent) => agent.name === 'sleeper')?.workerId;
    const first = await eventually(async () => (await workerOf()) ?? false);
    const second = await muster.work({ graphs: [chain, swift, drowsy] });
    await eventually(async () => (await workerOf()) !== first, { what: 'the second worker to beat' });
    await second.stop();
    return eventually(async () => (await statusOf('sleeper')) === 'active', { withinMs: 15_000, everyMs: 100 });
  };

  it('C020: shows an agent as active while one of two workers that host it lives', async () => {
    assert.equal(await begun.agents, true);
  });
});
