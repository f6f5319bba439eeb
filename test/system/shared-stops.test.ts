import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { JsonObject } from '../../index.ts';
import { eventually } from '../support/eventually.ts';
import type { MusterUnderTest } from '../support/muster.ts';
import { type Behaviour, Gate, type Script } from './acceptance/script.ts';
import { ended } from './acceptance/views.ts';
import { isShared, items, openSharedBed, type SharedBed } from './shared-bed.ts';

/** Long enough for the tasks to be under way by then. */
const DEADLINE_MS = 5_000;
/** The indices of the tasks that are stopped: of each kind one that obeys its signal and one that does not. */
const LATE = [10, 11];
const PAUSED_FIRST = 14;
const CANCELLED = [12, 13, PAUSED_FIRST];

describe('tasks of a shared execution that are stopped', function () {
  this.timeout(120_000);
  let bed: SharedBed;
  let muster: MusterUnderTest;
  let script: Script;

  before(async () => {
    bed = await openSharedBed('shared-stops');
    ({ muster, script } = bed);
    await bed.work();
  });
  after(() => bed?.close());
  beforeEach(() => script.reset());

  it('end within a second of their cancel or deadline, and their neighbours end as they would', async () => {
    const gate = new Gate();
    script.on('one', (_, input) => input as JsonObject);
    // Half of the handlers wait and obey their signal; the others ignore it.
    script.on('two', (context, input) => (indexIn(input) % 2 === 0 ? gate.pass : hangUntil(gate))(context, input));
    const deadlineAt = new Date(Date.now() + DEADLINE_MS);
    const tasks = await muster.client.submitMany(
      'swift',
      items(20, 'stopped').map((item, index) => ({ ...item, ...(LATE.includes(index) && { deadlineAt }) })),
    );
    const at = (indices: readonly number[]) => indices.map((index) => muster.client.task(tasks[index]?.id ?? ''));
    await eventually(() => assert.equal(script.callsOf('two').length, 20));
    const shared = await bed.carried(tasks.map(({ id }) => id));
    const stopped = [...LATE, ...CANCELLED];
    for (const { id } of at(stopped)) assert.ok(shared.has(id), 'all that are stopped share an execution');

    // A task that has to pause once its handler has ended may have to end before.
    for (const task of at([PAUSED_FIRST])) await task.pause();
    const late = await bed.endedAll(muster.client, at(LATE));
    await Promise.all(at(CANCELLED).map((task) => task.cancel()));
    const cancelled = await bed.endedAll(muster.client, at(CANCELLED));
    gate.open();
    const others = await bed.endedAll(
      muster.client,
      tasks.filter((_, index) => !stopped.includes(index)),
    );

    for (const [views, status, code] of [
      [late, 'failed', 'deadline_exceeded'],
      [cancelled, 'cancelled', undefined],
    ] as const) {
      for (const { task, traces } of views) {
        assert.deepEqual([task.status, task.error?.code], [status, code]);
        assert.deepEqual(traces[0]?.runs.map((run) => [run.nodeId, run.status]).toSorted(), [
          ['one', 'ok'],
          ['three', 'skipped'],
          ['two', 'skipped'],
        ]);
      }
    }
    const times = await bed.rows<{ ms: number }>(
      `select 1000 * extract(epoch from completed_at - coalesce(cancel_requested_at, deadline_at))::float8 as ms
       from muster.tasks where id = any($1)`,
      [at(stopped).map(({ id }) => id)],
    );
    assert.equal(times.length, stopped.length);
    for (const { ms } of times) assert.ok(ms >= 0 && ms < 1_000, `it took ${ms} ms`);
    assert.deepEqual(new Set(others.map(({ task }) => task.status)), new Set(['completed']));
    assert.ok(others.every(isShared), 'the neighbours were not left alone');
    for (const task of at([0, 10, 12])) await assert.rejects(task.cancel(), { code: 'task_not_open' });
  });

  it('leave it when they are paused, and continue where they stood when they are resumed', async () => {
    const gate = new Gate();
    script.on('two', gate.pass);
    const tasks = await muster.client.submitMany('swift', items(20, 'paused'));
    await eventually(() => assert.equal(script.callsOf('two').length, 20));
    const shared = await bed.carried(tasks.map(({ id }) => id));
    const one = tasks.find(({ id }) => shared.has(id));
    assert.ok(one);
    const task = muster.client.task(one.id);

    await task.pause();
    // Within a second nothing of it begins any more; what runs may end.
    await pause(1_000);
    gate.open();
    await eventually(async () => assert.equal((await task.read()).status, 'paused'));
    const others = await bed.endedAll(
      muster.client,
      tasks.filter(({ id }) => id !== one.id),
    );
    await eventually(async () => assert.equal((await task.progress()).paused, true));
    const before = script.callsOf('three').filter(({ taskId }) => taskId === one.id);
    await task.resume();
    const view = await ended(task);

    assert.equal(before.length, 0);
    assert.deepEqual(new Set(others.map(({ task: { status } }) => status)), new Set(['completed']));
    assert.equal(view.task.status, 'completed');
    assert.ok(!isShared(view));
    assert.equal(script.calls.filter(({ taskId }) => taskId === one.id).length, 3);
  });

  it('continue when they are resumed before their handlers have ended', async () => {
    const gate = new Gate();
    script.on('two', gate.pass);
    const tasks = await muster.client.submitMany('swift', items(20, 'resumed'));
    await eventually(() => assert.equal(script.callsOf('two').length, 20));
    const shared = await bed.carried(tasks.map(({ id }) => id));
    const [seen, unseen] = tasks.filter(({ id }) => shared.has(id)).map(({ id }) => muster.client.task(id));
    assert.ok(seen && unseen);

    await seen.pause();
    // By then the execution knows of it, and later of the resume.
    await pause(1_000);
    const { waitsFor } = (await seen.show()).task;
    await seen.resume();
    await pause(1_000);
    await unseen.pause();
    await unseen.resume();
    gate.open();
    const views = await bed.endedAll(muster.client, tasks);

    assert.equal(waitsFor, null, 'its handler runs');
    assert.deepEqual(new Set(views.map(({ task }) => task.status)), new Set(['completed']));
  });

  it('continue when they are resumed at any moment of their leave', async () => {
    const gates = new Map<string, Gate>();
    const gateOf = (id: string) => {
      const gate = gates.get(id) ?? new Gate();
      gates.set(id, gate);
      return gate;
    };
    script.on('two', (context, input) => gateOf(context.taskId).pass(context, input));
    const tasks = await muster.client.submitMany('swift', items(30, 'leaving'));
    await eventually(() => assert.equal(script.callsOf('two').length, 30));
    const handles = tasks.map(({ id }) => muster.client.task(id));
    await Promise.all(handles.map((task) => task.pause()));
    await pause(500);

    await Promise.all(
      handles.map(async (task, index) => {
        gateOf(task.id).open();
        await pause(5 * index);
        // Between two executions it is refused. A pause that was seen too late stops nothing.
        const isOver = async () => (await task.read()).status === 'completed';
        await eventually(() => task.resume().then(() => true, isOver), { withinMs: 30_000 });
      }),
    );
    const views = await bed.endedAll(muster.client, tasks);

    assert.deepEqual(new Set(views.map(({ task }) => task.status)), new Set(['completed']));
  });

  it('are paused when they leave it for another reason right after the pause was accepted', async () => {
    let held: string | null = null;
    script.on('work', async ({ taskId, attempt, nodeId }) => {
      const isShared = held === null && (await bed.carried([taskId])).has(taskId);
      if (attempt === 1 && isShared && held === null) {
        held = taskId;
        await muster.client.task(taskId).pause();
        throw new Error('not this time');
      }
      return { node: nodeId };
    });
    const tasks = await muster.client.submitMany('retried-quick', items(20, 'held'));
    await eventually(() => assert.ok(held));
    const task = muster.client.task(held ?? '');

    await eventually(async () => assert.equal((await task.read()).status, 'paused'));
    await eventually(async () => assert.equal((await task.progress()).paused, true));
    const begun = script.calls.filter(({ taskId }) => taskId === task.id);
    await task.resume();
    const views = await bed.endedAll(muster.client, tasks);

    assert.equal(begun.length, 1);
    assert.deepEqual(new Set(views.map(({ task }) => task.status)), new Set(['completed']));
  });
});

function indexIn(input: unknown): number {
  return (input as { before: { index: number } }).before.index;
}

/** Ignores its signal. */
function hangUntil(gate: Gate): Behaviour {
  return (context, input) => gate.pass({ ...context, signal: new AbortController().signal }, input);
}
