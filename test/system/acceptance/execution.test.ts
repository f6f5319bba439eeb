import assert from 'node:assert/strict';
import type { TaskHandle, TaskView } from '../../../index.ts';
import { eventually } from '../../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { scriptedGraphs } from './graphs.ts';
import { failForGood, failTimes, Gate, hang, Script } from './script.ts';
import { ended, runOf } from './views.ts';

describe('a graph in execution', () => {
  const script = new Script();
  const graphs = scriptedGraphs(script);
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('execution');
    await muster.work({ graphs: Object.values(graphs) });
  });
  after(() => muster?.close());
  beforeEach(() => script.reset());

  const submit = (graph: keyof typeof graphs, input = {}) => muster.client.submit(graphs[graph].definition.name, input);
  const run = async (graph: keyof typeof graphs, input = {}): Promise<TaskView> => ended(await submit(graph, input));

  it('C005: never has more slow nodes at work than its width, and as many as that', async () => {
    const gates = { a: new Gate(), b: new Gate(), c: new Gate(), d: new Gate() };
    for (const [id, gate] of Object.entries(gates)) script.on(id, gate.pass);

    const task = await submit('wide');
    await eventually(() => script.calls.length === 2, { what: 'two nodes at work' });
    const { nodes } = await task.progress();
    gates.b.open();
    await eventually(() => script.calls.length === 3, { what: 'a third node' });
    for (const gate of Object.values(gates)) gate.open();
    const view = await ended(task);

    assert.deepEqual(
      Object.values(nodes).map((node) => node.status),
      ['running', 'running', 'pending', 'pending'],
    );
    assert.equal(view.task.status, 'completed');
    assert.equal(script.calls.length, 4);
    assert.equal(Math.max(...script.calls.map((call) => call.together)), 2);
  });

  for (const graph of ['retried', 'retriedQuick'] as const) {
    const kind = graph === 'retried' ? 'slow' : 'quick';

    it(`C005: ends a ${kind} node that fails twice, with one retry, as retryable_error after two attempts`, async () => {
      script.on('work', failTimes(2));

      const view = await run(graph);

      const work = runOf(view, 'work');
      assert.deepEqual([work.status, work.attempts], ['retryable_error', 2]);
      assert.equal(work.error?.message, 'attempt 2 of work fails');
      assert.deepEqual(
        script.callsOf('work').map((call) => call.attempt),
        [1, 2],
      );
      assert.equal(runOf(view, 'next').status, 'skipped');
      assert.deepEqual(view.task.error, { code: 'handler_failed', message: 'attempt 2 of work fails', node: 'work' });
    });

    it(`C005: continues after a ${kind} node that only its retry completes`, async () => {
      script.on('work', failTimes(1));

      const view = await run(graph);

      assert.equal(view.task.status, 'completed');
      assert.deepEqual([runOf(view, 'work').status, runOf(view, 'work').attempts], ['ok', 2]);
      assert.equal(runOf(view, 'work').error, null);
    });

    it(`C005: does not retry a ${kind} node whose error no retry can help`, async () => {
      script.on('work', failForGood);

      const view = await run(graph);

      assert.deepEqual([runOf(view, 'work').status, runOf(view, 'work').attempts], ['fatal_error', 1]);
      assert.equal(script.callsOf('work').length, 1);
      assert.equal(view.task.status, 'failed');
    });

    it(`C006: logs a ${kind} node's retry once, between its start and its end`, async () => {
      script.on('work', failTimes(1));

      const view = await run(graph);

      const types = view.traces[0]?.events.filter((event) => event.nodeId === 'work').map((event) => event.type);
      assert.deepEqual(types, ['run.started', 'run.retried', 'run.completed']);
    });
  }

  it('C005: times a hanging node out at its budget and tells it, slow or quick', async () => {
    script.on('slow', hang).on('quick', hang);

    const view = await run('hasty');

    assert.equal(view.task.status, 'completed');
    for (const id of ['slow', 'quick']) {
      const { status, attempts, error, startedAt, finishedAt } = runOf(view, id);
      assert.deepEqual([status, attempts, error?.code], ['retryable_error', 1, 'handler_timed_out'], id);
      const tookMs = Number(finishedAt) - Number(startedAt);
      assert.ok(tookMs >= 290 && tookMs < 5_000, `${id} took ${tookMs} ms`);
      assert.deepEqual(
        script.callsOf(id).map((call) => call.signal.aborted),
        [true],
        id,
      );
    }
  });

  it('C076: has a run a component, and says why each skipped one was skipped', async () => {
    const view = await run('mixed', { urgent: true });

    assert.equal(view.task.status, 'completed');
    const runs = Object.fromEntries((view.traces[0]?.runs ?? []).map((each) => [each.nodeId, each]));
    assert.deepEqual(
      Object.fromEntries(Object.entries(runs).map(([id, { status, attempts }]) => [id, [status, attempts]])),
      {
        read: ['ok', 1],
        urgent: ['ok', 1],
        alarm: ['ok', 1],
        note: ['skipped', 0],
        after: ['skipped', 0],
        extra: ['ok', 1],
        join: ['ok', 1],
      },
    );
    assert.deepEqual(runs.note?.error, { code: 'skipped', message: '"urgent" was true' });
    assert.deepEqual(runs.after?.error, { code: 'skipped', message: '"note" was skipped' });
    assert.deepEqual(script.calls.map((call) => call.nodeId).toSorted(), ['alarm', 'extra', 'join', 'read']);
  });

  it('C075: gives a fan-in what its branches left, and null for those that were not taken or failed', async () => {
    script.on('extra', failForGood).on('join', (_context, input) => input as never);

    const view = await run('mixed', { urgent: false });

    assert.equal(view.task.status, 'completed');
    assert.deepEqual(view.output, {
      read: { node: 'read' },
      join: { alarm: null, after: { node: 'after' }, extra: null },
    });
    assert.equal(runOf(view, 'alarm').status, 'skipped');
    assert.equal(runOf(view, 'extra').status, 'fatal_error');
  });

  it('C075: fails the task at a failure that nothing tolerates, and lets the node beside it end', async () => {
    const failure = { code: 'handler_failed', message: 'This cannot work, however often it is tried.', node: 'left' };
    const gate = new Gate();
    script.on('left', failForGood).on('right', gate.pass);

    const task = await submit('needed');
    await eventually(async () => runOf(await task.show(), 'left').status === 'fatal_error');
    gate.open();
    await assert.rejects(task.result(), { code: 'task_failed', failure });
    const view = await task.show();

    assert.deepEqual(view.task.error, failure);
    assert.deepEqual((view.traces[0]?.runs ?? []).map((each) => [each.nodeId, each.status]).toSorted(), [
      ['join', 'skipped'],
      ['last', 'skipped'],
      ['left', 'fatal_error'],
      ['right', 'ok'],
    ]);
  });

  it('C006: numbers events without a gap, hands each on once, and resumes after any of them', async () => {
    const gate = new Gate();
    script.on('alarm', gate.pass).on('extra', failTimes(1));
    const task = await submit('mixed', { urgent: true });
    const live = collect(task);
    await eventually(() => script.callsOf('alarm').length === 1);
    gate.open();

    const seen = await live;
    const view = await ended(task);

    assert.deepEqual(
      seen.map(({ seq, type, node }) => [seq, type, node]),
      (view.traces[0]?.events ?? []).map(({ seq, type, nodeId }) => [seq, type, nodeId]),
    );
    for (const after of [0, 1, 5, seen.length - 1, seen.length]) {
      const resumed = await collect(task, after);
      assert.deepEqual(
        resumed.map((event) => event.seq),
        seen.map((event) => event.seq).filter((seq) => seq > after),
      );
    }
  });
});

async function collect(task: TaskHandle, after = 0) {
  const events = [];
  for await (const event of task.events({ after })) events.push(event);
  return events;
}
