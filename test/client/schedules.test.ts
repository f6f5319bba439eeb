import assert from 'node:assert/strict';
import type { TaskId } from '../../domain/ids.ts';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { failForGood, Gate, Script } from '../system/acceptance/script.ts';
import { ended, runOf } from '../system/acceptance/views.ts';

const soon = (ms: number) => new Date(Date.now() + ms);

describe('tasks with times and dependencies', () => {
  const script = new Script();
  const graphs = scriptedGraphs(script);
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('schedules');
    await muster.work({ graphs: Object.values(graphs) });
  });
  after(() => muster?.close());
  beforeEach(() => script.reset());

  const submit = (options = {}, graph: keyof typeof graphs = 'single') =>
    muster.client.submit(graphs[graph].definition.name, {}, options);

  it('C027: starts a deferred task within a second of its time, and not before', async () => {
    const startAt = soon(1_500);
    const task = await submit({ startAt });
    assert.equal(task.status, 'deferred');
    assert.equal((await task.read()).status, 'deferred');

    const view = await ended(task);

    const late = (view.task.startedAt?.getTime() ?? 0) - startAt.getTime();
    assert.ok(late >= 0, `it started ${-late} ms early`);
    assert.equal(view.task.status, 'completed');
  });

  it('takes a start that has passed as at once', async () => {
    const task = await submit({ startAt: soon(-60_000) });

    assert.equal(task.status, 'pending');
    assert.equal((await ended(task)).task.status, 'completed');
  });

  it('holds a deferred task back beyond its time, and a resume before it changes nothing of the time', async () => {
    const task = await submit({ startAt: soon(700) });
    const later = await submit({ startAt: soon(3_600_000) });
    await task.pause();
    await later.pause();
    await later.resume();
    const other = await submit({ startAt: soon(1_200) });

    await ended(other);
    const held = await task.read();
    await task.resume();
    const view = await ended(task);

    assert.deepEqual([held.status, held.held], ['deferred', true]);
    assert.equal(view.task.status, 'completed');
    const waiting = await later.read();
    assert.deepEqual([waiting.status, waiting.held], ['deferred', false]);
    await later.cancel();
  });

  it('fails a task that still waits at its deadline, and lists it as dead', async () => {
    const gate = new Gate();
    script.on('work', gate.pass);
    const before = await submit({ user: 'late' });
    const task = await submit({ user: 'late', deadlineAt: soon(800) });

    await assert.rejects(task.result(), { code: 'task_failed', message: /deadline/ });
    const view = await task.show();
    gate.open();
    await ended(before);

    assert.equal(view.task.error?.code, 'deadline_exceeded');
    assert.deepEqual(view.traces, []);
    const dead = await muster.client.dead({});
    assert.ok(dead.some(({ taskId }) => taskId === task.id));
  });

  it('stops a running task at its deadline: its handler is told, the rest is skipped, and it fails', async () => {
    script.on('first', new Gate().pass);
    const task = await submit({ deadlineAt: soon(2_500) }, 'chain');
    const inTime = await submit({ deadlineAt: soon(60_000) }, 'single');

    const view = await ended(task);

    assert.equal(view.task.status, 'failed');
    assert.equal(view.task.error?.code, 'deadline_exceeded');
    assert.equal(view.traces[0]?.status, 'failed');
    assert.equal(script.callsOf('first')[0]?.signal.aborted, true);
    assert.equal(runOf(view, 'second').status, 'skipped');
    assert.equal((await ended(inTime)).task.status, 'completed');
  });

  it('lists tasks that are overdue and lets them continue', async () => {
    const gate = new Gate();
    script.on('work', gate.pass);
    const late = await submit({ dueAt: soon(-1_000) });
    const early = await submit({ dueAt: soon(3_600_000) });

    const overdue = await muster.client.tasks({ overdue: true });
    gate.open();
    const view = await ended(late);
    await ended(early);

    assert.deepEqual(
      overdue.map(({ id }) => id),
      [late.id],
    );
    assert.equal(view.task.status, 'completed');
    assert.deepEqual(await muster.client.tasks({ overdue: true }), []);
  });

  it('starts a task when all that it depends on is completed', async () => {
    const gate = new Gate();
    script.on('first', gate.pass);
    const slow = await submit({}, 'chain');
    const quick = await submit();
    const task = await submit({ dependsOn: [slow.id, quick.id] }, 'swift');
    await ended(quick);

    const meanwhile = await task.read();
    gate.open();
    const view = await ended(task);

    assert.equal(meanwhile.status, 'blocked');
    assert.equal(view.task.status, 'completed');
    const [first, second] = [await slow.read(), await task.read()];
    assert.ok((second.startedAt ?? 0) >= (first.completedAt ?? 0));
  });

  it('starts at once what depends only on completed tasks, and fails at once what depends on a failed one', async () => {
    const done = await submit();
    await ended(done);
    script.on('work', failForGood);
    const failed = await submit();
    await ended(failed);

    const ready = await submit({ dependsOn: [done.id] }, 'swift');
    const hopeless = await submit({ dependsOn: [done.id, failed.id] }, 'swift');

    assert.equal(ready.status, 'pending');
    assert.equal(hopeless.status, 'failed');
    assert.equal((await ended(ready)).task.status, 'completed');
  });

  it('fails a chain of tasks whose first one fails, each with the one before it as the reason', async () => {
    const gate = new Gate();
    script.on('work', async (context, input) => {
      await gate.pass(context, input);
      return failForGood(context, input);
    });
    const first = await submit();
    const second = await submit({ dependsOn: [first.id] });
    const third = await submit({ dependsOn: [second.id] });

    gate.open();
    const [, two, three] = [await ended(first), await ended(second), await ended(third)];

    for (const [view, cause] of [[two, first.id] as const, [three, second.id] as const]) {
      assert.equal(view.task.error?.code, 'dependency_failed');
      assert.match(view.task.error?.message ?? '', new RegExp(cause));
      assert.deepEqual(view.traces, []);
    }
  });

  it('fails what depends on a task that is cancelled', async () => {
    const waiting = await submit({ startAt: soon(3_600_000) });
    const task = await submit({ dependsOn: [waiting.id] });

    await waiting.cancel();

    assert.equal((await ended(task)).task.error?.code, 'dependency_failed');
  });

  it('waits for its own time after its dependencies', async () => {
    const first = await submit();
    const task = await submit({ dependsOn: [first.id], startAt: soon(3_600_000) });
    await ended(first);

    await eventually(async () => assert.equal((await task.read()).status, 'deferred'));
    await task.cancel();
  });

  it('C027: follows a repeating task with exactly one like it, completed or failed, and none when it is cancelled', async () => {
    script.on('work', (context, input) => ((input as { fail?: boolean }).fail ? failForGood(context, input) : null));
    const options = { repeat: 'daily', user: 'u', priority: 'low', title: 'again', key: 'repeated' } as const;
    const completed = await muster.client.submit('single', {}, { ...options, dueAt: soon(3_600_000) });
    const failed = await muster.client.submit(
      'single',
      { fail: true },
      { repeat: { cron: '0 9 * * 1' }, startAt: soon(0) },
    );
    const cancelled = await muster.client.submit('single', {}, { repeat: 'weekly', startAt: soon(3_600_000) });
    await cancelled.cancel();
    await ended(completed);
    await ended(failed);

    const successor = await successorOf(completed.id);
    const other = await successorOf(failed.id);

    assert.deepEqual(
      [successor.status, successor.title, successor.priority, successor.user, successor.key],
      ['deferred', 'again', 'low', 'u', null],
    );
    const { startAt, dueAt } = await completed.read();
    assert.equal((successor.startAt?.getTime() ?? 0) - (startAt?.getTime() ?? 0), 86_400_000);
    assert.equal((successor.dueAt?.getTime() ?? 0) - (dueAt?.getTime() ?? 0), 86_400_000);
    assert.deepEqual([other.startAt?.getUTCDay(), other.startAt?.getUTCHours()], [1, 9]);
    assert.equal((await successorsOf(cancelled.id)).length, 0);
    await Promise.all([successor, other].map(({ id }) => muster.client.task(id).cancel()));
  });

  it('gives the next task of a series its own copy of a large input', async () => {
    const text = 'x'.repeat(20_000);
    const task = await muster.client.submit('single', { text }, { repeat: 'daily' });
    await ended(task);

    const successor = await successorOf(task.id);

    const artifactId = successor.input.artifactId;
    assert.notEqual(artifactId, (await task.read()).input.artifactId);
    const found = await muster.client.tasks({ status: 'deferred' });
    assert.ok(found.some(({ id }) => id === successor.id));
    await muster.client.task(successor.id).cancel();
  });

  const successorsOf = async (id: TaskId) => {
    const tasks = await muster.client.tasks({ limit: 500 });
    return tasks.filter(({ predecessorId }) => predecessorId === id);
  };
  const successorOf = (id: TaskId) =>
    eventually(async () => {
      const [successor, ...more] = await successorsOf(id);
      assert.deepEqual(more, []);
      assert.ok(successor !== undefined, 'there is none yet');
      return successor;
    });
});
