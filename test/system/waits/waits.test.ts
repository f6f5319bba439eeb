import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { TaskHandle } from '../../../index.ts';
import { eventually } from '../../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { behindTheBack } from '../acceptance/database.ts';
import { ended, runOf } from '../acceptance/views.ts';
import { LARGE } from '../faults/world.ts';
import { failures, graphs } from './waiting-nodes.ts';

/** To one task. */
const MESSAGES = LARGE ? 10_000 : 400;

describe('nodes that wait', function () {
  this.timeout(LARGE ? 1_200_000 : 120_000);
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('waiting nodes');
    await muster.work({ graphs });
  });
  after(() => muster?.close());

  const submit = (graph: string, input = {}) => muster.client.submit(graph, input);
  const isStatus = (task: TaskHandle, status: string) =>
    eventually(async () => assert.equal((await task.read()).status, status), { withinMs: 20_000 });
  const approvalOf = (task: TaskHandle) =>
    eventually(async () => {
      const [approval] = await muster.client.operations.approvals.list({ task: task.id });
      assert.ok(approval !== undefined);
      return approval;
    });
  const waitsFor = (task: TaskHandle, count = 1) =>
    eventually(async () => assert.equal((await muster.client.call('tasks.waits', { id: task.id })).length, count));
  const failed = async (task: TaskHandle) => (await ended(task)).task.error?.code;

  describe('for an approval', () => {
    it('asks in the list of approvals, and continues with what a person changed', async () => {
      const task = await submit('approving', { amount: 20 });
      const approval = await approvalOf(task);
      await isStatus(task, 'waiting_approval');
      const { causes } = await task.why();

      await muster.client
        .as('ada')
        .call('approvals.decide', { id: approval.id, verdict: 'approve', arguments: { amount: 5 } });
      const view = await ended(task);

      assert.deepEqual([approval.tool, approval.request.reason], [null, 'May the money be paid back?']);
      assert.deepEqual(
        causes.map(({ kind, path }) => [kind, path]),
        [['approval', 'allow']],
      );
      assert.match(causes[0]?.waitsFor ?? '', /May the money be paid back\? \(approval /);
      assert.deepEqual(view.output, { amount: 5, by: 'ada' });
      assert.equal(runOf(view, 'allow').attempts, 1);
    });

    it('fails with the reason of a rejection', async () => {
      const task = await submit('only-approving');
      const { id } = await approvalOf(task);

      await muster.client.operations.approvals.decide({ id, verdict: 'reject', reason: 'Paid already.' });
      const view = await ended(task);

      assert.equal(view.task.error?.code, 'approval_rejected');
      assert.match(
        view.task.error?.message ?? '',
        /client rejected it \(May the money be paid back\?\): Paid already\./,
      );
    });

    it('is decided once, by the first of two who decide at once', async () => {
      const task = await submit('only-approving');
      const { id } = await approvalOf(task);
      const { approvals } = muster.client.operations;

      const said = await Promise.allSettled([
        approvals.decide({ id, verdict: 'approve' }),
        approvals.decide({ id, verdict: 'reject', reason: 'No.' }),
      ]);
      const view = await ended(task);

      const [approved, rejected] = said.map(({ status }) => status === 'fulfilled');
      assert.notEqual(approved, rejected);
      assert.equal(view.task.status, approved ? 'completed' : 'failed');
    });

    it('fails when nobody has decided in time, and takes no decision any more', async () => {
      const task = await submit('hasty');
      const { id } = await approvalOf(task);

      assert.equal(await failed(task), 'approval_expired');

      await assert.rejects(muster.client.operations.approvals.decide({ id, verdict: 'approve' }), {
        code: 'approval_closed',
      });
    });
  });

  describe('for a message', () => {
    it('takes one that was sent before the wait, and before the start', async () => {
      const task = await muster.client.submit('paid', {}, { startAt: new Date(Date.now() + 1_000) });

      const { waitId } = await task.send('paid', { amount: 20 });
      const view = await ended(task);

      assert.equal(waitId, null);
      assert.deepEqual(view.output, { paid: { amount: 20 } });
    });

    it('takes one that is sent while it waits; each goes to one wait, in their order', async () => {
      const task = await submit('thrice');
      await waitsFor(task, 3);
      await isStatus(task, 'waiting_input');

      for (const number of [1, 2, 3]) await task.send('paid', number);
      const view = await ended(task);

      assert.deepEqual(Object.values(view.output as object).toSorted(), [1, 2, 3]);
    });

    it('is not lost where it is sent at the moment at which the wait begins', async () => {
      const tasks = await muster.client.submitMany('paid', Array(40).fill({ input: {} }));

      await Promise.all(
        tasks.map(async (task, index) => {
          await pause(index * 15);
          await task.send('paid', index);
        }),
      );

      for (const [index, task] of tasks.entries()) assert.deepEqual((await ended(task)).output, { paid: index });
    });

    it('is sent once under its key', async () => {
      const task = await submit('thrice');
      await waitsFor(task, 3);

      for (const number of [1, 1, 2, 3]) await task.send('paid', number, { key: `paid ${number}` });

      assert.deepEqual(Object.values((await ended(task)).output as object).toSorted(), [1, 2, 3]);
    });

    it('fails when none has come in time, and what depends on it optionally continues', async () => {
      const view = await ended(await submit('impatient'));

      assert.equal(runOf(view, 'paid').error?.code, 'wait_expired');
      assert.deepEqual(view.output, { paid: null });
    });

    it(`D8: is not lost, of ${MESSAGES} to one task, and the workflow hears only of those that end a wait`, async () => {
      const task = await submit('reading');
      for (let number = 0; number < MESSAGES; number += 1) await task.send('number', number);
      const view = await ended(task);

      const read = view.traces[0]?.runs.filter(({ nodeId }) => nodeId === 'one') ?? [];
      assert.deepEqual(
        read
          .map(({ path, outputStart }) => [path, Number(outputStart)])
          .toSorted(([, one], [, other]) => Number(one) - Number(other)),
        Array.from({ length: 100 }, (_, round) => [`read[${round}]/one`, round]),
      );
      const kept = await behindTheBack<{ data: number }>(
        muster,
        `select data from muster.task_messages where task_id = '${task.id}' order by id`,
      );
      assert.deepEqual(
        kept.map(({ data }) => data),
        Array.from({ length: kept.length }, (_, index) => 100 + index),
      );
      const { events } = await (await muster.temporal()).workflow.getHandle(task.workflowId).fetchHistory();
      const signals = events?.filter((event) => event.workflowExecutionSignaledEventAttributes) ?? [];
      assert.ok(signals.length <= 2 * 100, `expected at most two signals for each wait, found ${signals.length}`);
    });

    it('is refused for a task that has ended', async () => {
      const task = await submit('impatient');
      await ended(task);

      await assert.rejects(task.send('paid'), { code: 'task_not_open' });
    });
  });

  it('for a time: continues then, and says until when', async () => {
    const task = await submit('timed', { afterMs: 1_500 });
    await isStatus(task, 'waiting_input');
    const { causes } = await task.why();
    const view = await ended(task);

    const until = causes[0]?.until;
    assert.deepEqual(view.output, { until: until?.toISOString() });
    assert.ok((view.task.completedAt ?? new Date(0)) >= (until ?? new Date()));
  });

  it('for an event: reaches those that wait for its key, and those that wait for any; not those that come later', async () => {
    const { events } = muster.client.operations;
    const early = await events.publish({ name: 'shipped', key: 'A-1' });
    const task = await submit('shipped', { order: 'A-1' });
    await waitsFor(task, 2);

    const other = await events.publish({ name: 'shipped', key: 'A-2', data: 'other' });
    await waitsFor(task, 1);
    const own = await events.publish({ name: 'shipped', key: 'A-1', data: 'own' });
    const view = await ended(task);

    assert.deepEqual([early.woken, other.woken, own.woken], [0, 1, 1]);
    assert.deepEqual(view.output, { shipped: 'own', any: 'other' });
  });

  describe('for entities', () => {
    it('takes what its input has and ends at once if that is all', async () => {
      const view = await ended(await submit('asking-entities', { order: 'A-1', count: 0 }));

      assert.deepEqual(view.output, { order: 'A-1', count: 0, gift: null });
    });

    it('asks for what is missing, keeps what it has, refuses what does not fit, and continues', async () => {
      const task = await submit('asking-entities', { order: 'wrong' });
      await waitsFor(task);
      await isStatus(task, 'waiting_input');
      const { causes } = await task.why();

      await assert.rejects(task.answer({ count: 2, order: 'a-1' }), {
        code: 'answer_invalid',
        message: /"order" .* to match/,
      });
      await assert.rejects(task.answer({ colour: 'red' }), {
        code: 'answer_invalid',
        message: /what is: order, count, gift/,
      });
      await assert.rejects(task.answer({ count: 1 }, { path: 'nobody' }), { code: 'nothing_asked' });
      const first = await task.answer({ count: 0, gift: false });
      const [asked] = await muster.client.call('tasks.waits', { id: task.id });
      const last = await task.answer({ order: 'B-2' });
      const view = await ended(task);

      assert.match(causes[0]?.waitsFor ?? '', /^an answer: order \(the number of the order\), count \(how many\)$/);
      assert.deepEqual(
        first.missing.map(({ name }) => name),
        ['order'],
      );
      assert.deepEqual(asked?.known, { count: 0, gift: false });
      assert.deepEqual([last.missing, view.output], [[], { order: 'B-2', count: 0, gift: false }]);
      await assert.rejects(task.answer({ order: 'B-3' }), { code: 'nothing_asked' });
    });

    it('is answered in Temporal too, once', async () => {
      const task = await submit('asking-entities', { count: 1 });
      await waitsFor(task);
      const workflow = (await muster.temporal()).workflow.getHandle(task.workflowId);
      const answer = (values: unknown) =>
        workflow.executeUpdate('answer', { args: [{ values }], updateId: JSON.stringify(values) });

      await assert.rejects(answer({ order: 'a' }));
      const one = await answer({ order: 'C-3' });
      const view = await ended(task);

      assert.deepEqual(
        [one, view.output],
        [
          { path: 'ask', missing: [] },
          { order: 'C-3', count: 1, gift: null },
        ],
      );
    });
  });

  it('keeps what was answered when its task is redriven', async () => {
    failures.left = 1;
    const task = await submit('failing-after', { fails: true });
    await muster.client.operations.approvals.decide({ id: (await approvalOf(task)).id, verdict: 'approve' });
    await task.send('paid', 'once');
    assert.equal(await failed(task), 'handler_failed');

    await muster.client.redrive(task.id);
    const view = await ended(task);

    assert.deepEqual(view.output, { allow: true, paid: 'once' });
    const [row] = await behindTheBack<{ asked: number }>(
      muster,
      `select count(*)::int as asked from muster.approvals where task_id = '${task.id}'`,
    );
    assert.equal(row?.asked, 1);
  });

  it('ends when its task is cancelled or paused and resumed', async () => {
    const cancelled = await submit('paid');
    await isStatus(cancelled, 'waiting_input');
    await cancelled.cancel();
    assert.equal((await ended(cancelled)).task.status, 'cancelled');

    const paused = await submit('paid');
    await isStatus(paused, 'waiting_input');
    await paused.pause();
    await isStatus(paused, 'paused');
    await paused.send('paid', 1);
    await eventually(async () => assert.equal((await paused.progress()).nodes.paid?.status, 'ok'));
    assert.equal((await paused.read()).status, 'paused');
    await paused.resume();
    assert.deepEqual((await ended(paused)).output, { paid: 1 });
  });
});
