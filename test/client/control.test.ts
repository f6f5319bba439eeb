import assert from 'node:assert/strict';
import type { Client } from '@temporalio/client';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { Gate, Script } from '../system/acceptance/script.ts';
import { ended, runOf } from '../system/acceptance/views.ts';

describe('what a caller asks of a task', () => {
  const script = new Script();
  const graphs = scriptedGraphs(script);
  let muster: MusterUnderTest;
  let temporal: Client;

  before(async () => {
    muster = await openMuster('control');
    await muster.work({ graphs: Object.values(graphs) });
    temporal = await muster.temporal();
  });
  after(async () => {
    await muster?.close();
  });
  beforeEach(() => script.reset());

  const submit = (graph: keyof typeof graphs, options = {}) =>
    muster.client.submit(graphs[graph].definition.name, {}, options);
  const atWork = (nodeId: string) =>
    eventually(() => script.callsOf(nodeId).length > 0, { what: `${nodeId} to be at work` });

  /** A task whose first node is at work and whose second one waits for it. */
  const running = async (gate: Gate) => {
    script.on('first', gate.pass);
    const task = await submit('chain');
    await atWork('first');
    return task;
  };

  it('answers where a running task stands from its workflow, and refuses for one that has ended', async () => {
    const gate = new Gate();
    const task = await running(gate);

    const progress = await task.progress();
    gate.open();
    await task.result();

    assert.equal(progress.paused, false);
    assert.equal(progress.nodes.first?.status, 'running');
    assert.equal(progress.nodes.second?.status, 'pending');
    await assert.rejects(task.progress(), { code: 'task_not_open' });
    for (const ask of [task.cancel, task.pause, task.resume]) {
      await assert.rejects(ask(), { code: 'task_not_open', message: /is completed/ });
    }
  });

  it('cancels a running task: its handler is told, the rest is skipped, and everything ends once', async () => {
    const task = await running(new Gate());

    await task.cancel('enough');
    const view = await ended(task);

    await assert.rejects(task.result(), { code: 'task_cancelled' });
    assert.equal(view.task.status, 'cancelled');
    assert.equal(view.traces[0]?.status, 'cancelled');
    assert.deepEqual(
      script.calls.map((call) => [call.nodeId, call.signal.aborted]),
      [['first', true]],
    );
    assert.equal(runOf(view, 'first').error?.code, 'handler_cancelled');
    assert.equal(runOf(view, 'second').status, 'skipped');
    await eventually(async () => {
      const { status } = await temporal.workflow.getHandle(task.workflowId).describe();
      assert.equal(status.name, 'CANCELLED');
    });
  });

  it("takes Temporal's own cancel for a cancel of the task", async () => {
    const task = await running(new Gate());

    await temporal.workflow.getHandle(task.workflowId).cancel();
    const view = await ended(task);

    assert.equal(view.task.status, 'cancelled');
    assert.equal(view.traces[0]?.events.at(-1)?.type, 'trace.cancelled');
  });

  it('cancels a task that waits for its user at once, without a trace', async () => {
    const gate = new Gate();
    script.on('first', gate.pass);
    const running = await submit('chain', { user: 'cancel-waiting' });
    await atWork('first');
    const waiting = await submit('chain', { user: 'cancel-waiting' });

    await waiting.cancel('not needed');
    const view = await waiting.show();

    assert.equal(view.task.status, 'cancelled');
    assert.deepEqual(view.task.error, { code: 'task_cancelled', message: 'not needed' });
    assert.deepEqual(view.traces, []);
    gate.open();
    await running.result();
  });

  it('ends a task whose cancel was accepted as cancelled, although its last node completes, and its series with it', async () => {
    const gate = new Gate();
    script.on('work', gate.pass);
    const task = await submit('single', { repeat: 'daily' });
    await atWork('work');

    await task.cancel('too early');
    gate.open();
    const view = await ended(task);

    assert.equal(view.task.status, 'cancelled');
    assert.equal(view.traces[0]?.events.at(-1)?.type, 'trace.cancelled');
    await eventually(async () => {
      const { status } = await temporal.workflow.getHandle(task.workflowId).describe();
      assert.notEqual(status.name, 'RUNNING');
    });
    const later = await muster.client.tasks({ status: 'deferred' });
    assert.deepEqual(
      later.filter(({ predecessorId }) => predecessorId === task.id),
      [],
    );
  });

  it('says that a cancel came too late, and which task continues the series', async () => {
    const task = await submit('single', { repeat: 'daily' });
    await ended(task);
    const next = await eventually(async () => {
      const later = await muster.client.tasks({ status: 'deferred' });
      return later.find(({ predecessorId }) => predecessorId === task.id) ?? false;
    });
    assert.ok(next);

    await assert.rejects(task.cancel(), {
      code: 'task_not_open',
      facts: { taskId: task.id, status: 'completed', successor: next.id },
    });

    await muster.client.task(next.id).cancel();
  });

  it('kills a task that waits, and one that is paused', async () => {
    const gate = new Gate();
    const task = await running(gate);
    await task.pause();
    await eventually(async () => (await task.read()).status === 'paused');
    gate.open();
    const waiting = await submit('single', { startAt: new Date(Date.now() + 3_600_000) });

    await Promise.all([task.kill(), waiting.kill()]);

    for (const killed of [task, waiting]) {
      const { status, error } = await killed.read();
      assert.deepEqual([status, error?.code], ['cancelled', 'task_killed']);
    }
    await ended(task);
  });

  it('throws away what a node of a killed task still brings, and sends none of its messages', async () => {
    const gate = Promise.withResolvers<void>();
    const refused: unknown[] = [];
    script.on('work', async ({ messages }) => {
      await gate.promise;
      const late = [
        messages.send('send', 'slow-step', {}),
        messages.request('request', 'slow-step', {}),
        messages.broadcast('broadcast', {}),
      ];
      for (const one of await Promise.allSettled(late)) refused.push(one.status === 'rejected' ? one.reason.code : one);
      return { late: true };
    });
    const task = await submit('single');
    await atWork('work');

    await task.kill();
    gate.resolve();
    await eventually(() => script.callsOf('work')[0]?.ended !== null);
    const view = await ended(task);

    assert.deepEqual([view.task.status, view.output], ['cancelled', null]);
    assert.equal(runOf(view, 'work').error?.code, 'handler_cancelled');
    assert.deepEqual(refused, ['stale_fence', 'stale_fence', 'stale_fence']);
    assert.deepEqual(await muster.client.messages.list({}), []);
  });

  it('takes a deadline in the year 9999', async () => {
    const task = await submit('single', { deadlineAt: new Date(Date.UTC(9999, 11, 30)) });

    assert.equal((await ended(task)).task.status, 'completed');
  });

  it('lets what runs end and starts nothing more while a task is paused', async () => {
    const gate = new Gate();
    const task = await running(gate);

    await task.pause();
    await task.pause();
    await eventually(async () => (await task.read()).status === 'paused');
    gate.open();
    await eventually(async () => runOf(await task.show(), 'first').status === 'ok');
    const paused = await task.progress();
    const callsWhilePaused = script.calls.length;
    await task.resume();
    const view = await ended(task);

    assert.deepEqual([paused.paused, paused.nodes.second?.status], [true, 'pending']);
    assert.equal(callsWhilePaused, 1);
    assert.equal(view.task.status, 'completed');
    const types = view.traces[0]?.events.map((event) => event.type) ?? [];
    assert.equal(types.filter((type) => type === 'trace.paused').length, 1);
    assert.equal(types.filter((type) => type === 'trace.resumed').length, 1);
  });

  it('cancels a paused task', async () => {
    const gate = new Gate();
    const task = await running(gate);
    await task.pause();
    await eventually(async () => (await task.read()).status === 'paused');
    gate.open();

    await task.cancel();
    const view = await ended(task);

    assert.equal(view.task.status, 'cancelled');
    assert.equal(runOf(view, 'second').status, 'skipped');
  });

  it('holds a task back that has not started, and lets it go again', async () => {
    const gate = new Gate();
    script.on('first', gate.pass);
    const before = await submit('chain', { user: 'hold-back' });
    await atWork('first');
    const task = await submit('single', { user: 'hold-back' });

    await task.pause();
    await task.pause();
    gate.open();
    await before.result();
    const held = await task.read();
    await task.resume();
    const view = await ended(task);

    assert.equal(held.status, 'deferred');
    assert.equal(view.task.status, 'completed');
  });

  it('ends a task that is cancelled, paused and resumed all at once', async () => {
    const task = await running(new Gate());

    await Promise.allSettled([task.cancel(), task.pause(), task.resume(), task.pause()]);
    const view = await ended(task);

    assert.equal(view.task.status, 'cancelled');
    assert.equal(await failedWorkflowTasks(task), 0);
  });

  it('takes a pause while its cancelled nodes are letting go', async () => {
    const task = await running(new Gate());

    await task.cancel();
    await task.pause();
    const view = await ended(task);

    assert.equal(view.task.status, 'cancelled');
    assert.equal(await failedWorkflowTasks(task), 0);
  });

  const failedWorkflowTasks = async ({ workflowId }: { workflowId: string }) => {
    const { events } = await temporal.workflow.getHandle(workflowId).fetchHistory();
    return (events ?? []).filter((event) => event.workflowTaskFailedEventAttributes != null).length;
  };
});
