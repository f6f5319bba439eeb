import assert from 'node:assert/strict';
import type { Client } from '@temporalio/client';
import { connect } from '../../index.ts';
import { eventually, patience } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { behindTheBack } from '../system/acceptance/database.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { Gate, hang, Script } from '../system/acceptance/script.ts';
import { ended, runOf } from '../system/acceptance/views.ts';

describe('what a caller asks of a task while Temporal is unavailable or has lost it', () => {
  const script = new Script();
  const graphs = scriptedGraphs(script);
  let muster: MusterUnderTest;
  let temporal: Client;

  before(async () => {
    muster = await openMuster('control-away');
    await muster.work({ graphs: Object.values(graphs) });
    temporal = await muster.temporal();
  });
  after(async () => {
    await muster?.close();
  });
  beforeEach(() => script.reset());

  const submit = (graph: keyof typeof graphs) => muster.client.submit(graphs[graph].definition.name, {});
  const atWork = (nodeId: string) =>
    eventually(() => script.callsOf(nodeId).length > 0, { what: `${nodeId} to be at work` });
  const running = async (gate: Gate) => {
    script.on('first', gate.pass);
    const task = await submit('chain');
    await atWork('first');
    return task;
  };

  it('kills a task with PostgreSQL alone: at once, whatever its node does, and its workflow follows', async () => {
    script.on('first', hang);
    const task = await submit('chain');
    await atWork('first');
    const environment = { ...muster.environment, TEMPORAL_ADDRESS: '127.0.0.1:1' };
    const apart = await connect({ environment });

    await apart
      .task(task.id)
      .kill('it hangs')
      .finally(() => apart.close());
    const view = await ended(task);

    assert.deepEqual([view.task.status, view.task.error], ['cancelled', { code: 'task_killed', message: 'it hangs' }]);
    assert.equal(view.traces[0]?.status, 'cancelled');
    assert.equal(runOf(view, 'first').error?.code, 'handler_cancelled');
    assert.equal(runOf(view, 'second').status, 'skipped');
    await assert.rejects(task.result(), { code: 'task_cancelled', message: /was killed/ });
    await eventually(async () => {
      const { status } = await temporal.workflow.getHandle(task.workflowId).describe();
      assert.equal(status.name, 'TERMINATED');
    });
    await eventually(() => assert.equal(script.callsOf('first')[0]?.signal.aborted, true));
    await assert.rejects(task.kill(), { code: 'task_not_open', message: /is cancelled/ });
  });

  it('waits for no Temporal that is out of reach when it cancels or kills', async () => {
    const task = await running(new Gate());
    const environment = { ...muster.environment, TEMPORAL_ADDRESS: '127.0.0.1:1' };
    const apart = await connect({ environment });

    const began = performance.now();
    await apart.task(task.id).cancel('enough');
    await apart.task(task.id).kill('more than enough');
    await apart.close();
    const tookMs = performance.now() - began;

    assert.ok(tookMs < 2_500 * patience(), `it took ${Math.round(tookMs)} ms`);
    assert.equal((await ended(task)).task.status, 'cancelled');
  });

  it('keeps a paused task paused whose workflow Temporal has lost, until it is resumed', async function () {
    this.timeout(60_000);
    const gate = new Gate();
    const task = await running(gate);
    await task.pause();
    await eventually(async () => (await task.read()).status === 'paused');
    gate.open();
    await eventually(async () => runOf(await task.show(), 'first').status === 'ok');
    const handle = temporal.workflow.getHandle(task.workflowId);
    const before = (await handle.describe()).runId;

    const { temporalNamespace: namespace } = muster.stack;
    const workflowExecution = { workflowId: task.workflowId };
    await temporal.workflowService.deleteWorkflowExecution({ namespace, workflowExecution });
    await eventually(
      () =>
        handle.describe().then(
          () => false,
          () => true,
        ),
      { withinMs: 20_000 },
    );
    await behindTheBack(muster, `update muster.tasks set checked_at = now() - interval '1 day' where id = $1`, [
      task.id,
    ]);
    await eventually(async () => (await handle.describe()).runId !== before, { withinMs: 20_000 });
    const progress = await task.progress();
    const status = (await task.read()).status;
    await task.resume();
    const view = await ended(task);

    assert.deepEqual([progress.paused, status], [true, 'paused']);
    assert.deepEqual(
      script.calls.map(({ nodeId }) => nodeId),
      ['first', 'second'],
    );
    const types = view.traces[0]?.events.map((event) => event.type) ?? [];
    assert.deepEqual(
      types.filter((type) => /paused|resumed/.test(type)),
      ['trace.paused', 'trace.resumed'],
    );
    assert.equal(view.task.status, 'completed');
  });
});
