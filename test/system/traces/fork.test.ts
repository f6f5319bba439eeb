import assert from 'node:assert/strict';
import type { Json, TaskHandle, TaskView } from '../../../index.ts';
import { eventually } from '../../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { query } from '../../support/query.ts';
import { ended } from '../acceptance/views.ts';
import { before as behaviours, carriedOut, effects, graphs } from './fork-graphs.ts';

describe('a fork', () => {
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('fork');
    await muster.work({ graphs });
  });
  after(() => muster?.close());
  beforeEach(() => {
    carriedOut.length = 0;
    behaviours.clear();
  });

  const submit = (graph: string, input: { readonly [name: string]: Json } = {}) => muster.client.submit(graph, input);
  const outputsOf = (view: TaskView) =>
    new Map(view.traces.at(-1)?.runs.map(({ path, outputStart }) => [path, outputStart]));
  const statusesOf = (view: TaskView) =>
    Object.fromEntries(view.traces.at(-1)?.runs.map(({ path, status }) => [path, status]) ?? []);
  /** Waits for the end of a fork, and forgets what the origin has carried out. */
  const forkOf = async (task: TaskHandle, at: string, how: Parameters<TaskHandle['fork']>[1] = {}) => {
    carriedOut.length = 0;
    const fork = await task.fork(at, how);
    return { fork, view: await ended(fork.task as TaskHandle) };
  };

  it('takes over what ran before, and runs what follows', async () => {
    const task = await submit('fork-chain');
    const origin = await ended(task);

    const { fork, view } = await forkOf(task, 'second');

    assert.equal(view.task.status, 'completed');
    assert.deepEqual(carriedOut, ['second', 'third']);
    assert.deepEqual(
      [fork.takenOver.toSorted(), fork.again.toSorted()],
      [
        ['aside', 'first'],
        ['second', 'third'],
      ],
    );
    const [was, is] = [outputsOf(origin), outputsOf(view)];
    assert.equal(is.get('first'), was.get('first'));
    assert.notEqual(is.get('third'), was.get('third'));
    const { origin: from } = view;
    assert.deepEqual(from, { taskId: task.id, traceId: origin.traces[0]?.id, trace: 1, at: 'second' });
    assert.equal(view.traces[0]?.originTraceId, origin.traces[0]?.id);
    assert.equal(view.traces[0]?.runs.find(({ path }) => path === 'first')?.takenFrom, origin.traces[0]?.id);
    const { forks } = await task.show();
    assert.deepEqual(
      forks.map(({ taskId, trace, at }) => [taskId, trace, at]),
      [[fork.taskId, 1, 'second']],
    );
  });

  it('takes over the ended runs of a task that still runs, which notices nothing', async () => {
    const held = Promise.withResolvers<void>();
    behaviours.set('second', () => held.promise);
    const task = await submit('fork-chain');
    await eventually(() => carriedOut.includes('second'));
    behaviours.clear();

    const { fork, view } = await forkOf(task, 'second');
    const isOpen = (await task.read()).status;
    held.resolve();
    const origin = await ended(task);

    assert.deepEqual([isOpen, fork.takenOver.toSorted()], ['in_progress', ['aside', 'first']]);
    assert.deepEqual([view.task.status, origin.task.status], ['completed', 'completed']);
    assert.equal(outputsOf(view).get('first'), outputsOf(origin).get('first'));
  });

  it('begins a task that failed again where it failed', async () => {
    behaviours.set('second', async () => {
      throw new Error('not now');
    });
    const task = await submit('fork-chain');
    const origin = await ended(task);
    behaviours.clear();

    const { view } = await forkOf(task, 'second');

    assert.deepEqual(statusesOf(origin), { first: 'ok', aside: 'ok', second: 'retryable_error', third: 'skipped' });
    assert.deepEqual(statusesOf(view), { first: 'ok', aside: 'ok', second: 'ok', third: 'ok' });
    assert.deepEqual(carriedOut, ['second', 'third']);
  });

  it('runs one element of an each again, and nothing of the others', async () => {
    const task = await submit('fork-listed', { items: [10, 11, 12] });
    const origin = await ended(task);

    const { view } = await forkOf(task, 'each[1]/draft');

    assert.deepEqual(carriedOut, ['each[1]/draft', 'each[1]/polish', 'after']);
    const [was, is] = [origin.output, view.output] as [number[], number[]];
    assert.deepEqual([is[0], is[2]], [was[0], was[2]]);
    assert.notEqual(is[1], was[1]);
    assert.equal(statusesOf(view).each, 'ok');
  });

  it('runs a repeat again from one of its rounds on', async () => {
    const task = await submit('fork-repeated');
    await ended(task);

    const { view } = await forkOf(task, 'loop[2]/judge');

    assert.deepEqual(carriedOut, ['loop[2]/judge', 'loop[3]/try', 'loop[3]/judge']);
    assert.equal(view.task.status, 'completed');
  });

  it('is a task as any other: it can be forked itself, and redriven without what it has taken over', async () => {
    const task = await submit('fork-chain', { size: 20_000 });
    const origin = await ended(task);
    behaviours.set('third', async () => {
      throw new Error('not now');
    });
    const { fork, view: failed } = await forkOf(task, 'second');
    behaviours.clear();

    carriedOut.length = 0;
    await muster.client.redrive(fork.taskId as string);
    const redriven = await ended(fork.task as TaskHandle);
    const again = [...carriedOut];
    const { view: second } = await forkOf(fork.task as TaskHandle, 'third');

    assert.equal(failed.task.status, 'failed');
    assert.deepEqual([again, carriedOut], [['second', 'third'], ['third']]);
    assert.deepEqual([redriven.traces.length, redriven.task.status], [2, 'completed']);
    assert.equal((second.output as { filler: string }).filler, 'x'.repeat(20_000));
    const taken = second.traces[0]?.runs.find(({ path }) => path === 'first')?.takenFrom;
    assert.equal(taken, origin.traces[0]?.id, 'where it was carried out');
  });

  it('outlives the task that it was made of', async () => {
    const task = await submit('fork-chain', { size: 20_000 });
    await ended(task);
    const held = Promise.withResolvers<void>();
    behaviours.set('second', () => held.promise);
    carriedOut.length = 0;
    const fork = await task.fork('second');
    await eventually(() => carriedOut.includes('second'));
    await query(muster, 'delete from muster.tasks where id = $1', [task.id]);
    held.resolve();

    const view = await ended(fork.task as TaskHandle);

    assert.equal((view.output as { filler: string }).filler, 'x'.repeat(20_000));
    assert.equal(view.origin?.taskId, task.id);
  });

  it('is made once under a key, however often it is asked for at once', async () => {
    const task = await submit('fork-quick-only');
    await ended(task);

    const forks = await Promise.all(Array.from({ length: 20 }, () => task.fork('two', { key: 'once' })));

    assert.equal(new Set(forks.map(({ taskId }) => taskId)).size, 1);
    assert.equal(forks.filter(({ duplicate }) => !duplicate).length, 1);
    await ended(forks[0]?.task as TaskHandle);
    await assert.rejects(task.fork('one', { key: 'once' }), { code: 'idempotency_conflict' });
    assert.equal((await task.show()).forks.length, 1);
  });

  it('shares an execution with others, under pressure, and carries out its own runs alone', async () => {
    const task = await submit('fork-quick-only');
    const origin = (await ended(task)).output as { one: number; two: number };
    carriedOut.length = 0;

    const forks = await Promise.all(Array.from({ length: 40 }, () => task.fork('two')));
    const views = await Promise.all(forks.map(({ task: fork }) => ended(fork as TaskHandle)));

    const outputs = views.map(({ output }) => output as { one: number; two: number });
    assert.ok(outputs.every(({ one }) => one === origin.one));
    assert.equal(new Set(outputs.map(({ two }) => two)).size, 40);
    assert.deepEqual(new Set(carriedOut), new Set(['two']));
    assert.ok(
      views.some(({ task: { workflowId } }) => workflowId.startsWith('tasks/')),
      'none shared an execution',
    );
  });

  it('is compared with the task that it was made of', async () => {
    const task = await submit('fork-chain');
    await ended(task);
    const { fork } = await forkOf(task, 'second');

    const diff = await muster.client.diff({ id: task.id, otherId: fork.taskId as string });
    const same = await muster.client.diff({ id: task.id });
    const other = await muster.connect({ tenant: 'other' });

    assert.deepEqual([diff.first, same.first], ['second', null]);
    const parted = diff.runs.filter((run) => !run.same).map(({ path, output }) => [path, output?.pointer]);
    assert.deepEqual(parted, [
      ['second', '/count'],
      ['third', '/count'],
    ]);
    const first = diff.runs.find(({ path }) => path === 'first');
    assert.deepEqual([first?.one?.takenOver, first?.other?.takenOver, first?.other?.ms], [false, true, null]);
    await assert.rejects(muster.client.diff({ id: task.id, otherTrace: 9 }), { code: 'trace_unknown' });
    await assert.rejects(other.diff({ id: task.id }), { code: 'task_unknown' });
  });

  it('makes no recorded effect again that nobody has agreed to, and others under keys of their own', async () => {
    const task = await submit('fork-paying');
    await ended(task);
    const [, second] = effects.splice(0);

    await assert.rejects(task.fork('second'), { code: 'consent_required' });
    const { fork } = await forkOf(task, 'second', { effects: 'repeat' });

    assert.deepEqual(fork.effects, [second]);
    assert.equal(effects.length, 1);
    assert.match(effects[0] ?? '', new RegExp(`^${fork.taskId}/1/second/pay$`));
  });

  it('says which of the runs that it takes over have read what is changed in the input', async () => {
    const task = await submit('fork-chain', { size: 1 });
    await ended(task);

    const report = await task.fork('third', { input: { size: 2 }, dryRun: true });

    assert.deepEqual(report.warnings, ['first is taken over, and read what is changed in the input.']);
    assert.deepEqual([report.taskId, report.dryRun, (await task.show()).forks], [null, true, []]);
  });

  it('refuses points that there are not, and tasks of others', async () => {
    const task = await submit('fork-listed', { items: [1] });
    await ended(task);
    const other = await muster.connect({ tenant: 'other' });

    for (const at of [
      'nobody',
      'each[0]',
      '#1',
      'after#2',
      'after#0',
      'each[0]/draft/x',
      "'; drop table muster.tasks; --",
    ]) {
      await assert.rejects(task.fork(at), { code: 'fork_point_unknown' }, at);
    }
    await assert.rejects(task.fork('after', { trace: 7 }), { code: 'trace_unknown' });
    await assert.rejects(task.fork('after', { version: 7 }), { code: 'option_invalid' });
    await assert.rejects(task.fork('after', { input: { items: 'none' } }), { code: 'input_invalid' });
    await assert.rejects(task.fork(''), { code: 'option_invalid' });
    await assert.rejects(other.task(task.id).fork('after'), { code: 'task_unknown' });
    assert.deepEqual((await task.show()).forks, []);
  });
});
