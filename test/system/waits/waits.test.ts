import assert from 'node:assert/strict';
import { eventually } from '../../support/eventually.ts';
import type { MusterUnderTest } from '../../support/muster.ts';
import { behindTheBack } from '../acceptance/database.ts';
import { ended, runOf } from '../acceptance/views.ts';
import { WaitingBed } from './waiting-bed.ts';
import { failures } from './waiting-nodes.ts';

describe('nodes that wait', function () {
  this.timeout(120_000);
  let bed: WaitingBed;
  let muster: MusterUnderTest;

  before(async () => {
    bed = await WaitingBed.open('waiting nodes');
    muster = bed.muster;
  });
  after(() => muster?.close());

  describe('for an approval', () => {
    it('asks in the list of approvals, and continues with what a person changed', async () => {
      const task = await bed.submit('approving', { amount: 20 });
      const approval = await bed.approvalOf(task);
      await bed.isStatus(task, 'waiting_approval');
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
      const task = await bed.submit('only-approving');
      const { id } = await bed.approvalOf(task);

      await muster.client.operations.approvals.decide({ id, verdict: 'reject', reason: 'Paid already.' });
      const view = await ended(task);

      assert.equal(view.task.error?.code, 'approval_rejected');
      assert.match(
        view.task.error?.message ?? '',
        /client rejected it \(May the money be paid back\?\): Paid already\./,
      );
    });

    it('is decided once, by the first of two who decide at once', async () => {
      const task = await bed.submit('only-approving');
      const { id } = await bed.approvalOf(task);
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
      const task = await bed.submit('hasty');
      const { id } = await bed.approvalOf(task);

      assert.equal(await bed.failed(task), 'approval_expired');

      await assert.rejects(muster.client.operations.approvals.decide({ id, verdict: 'approve' }), {
        code: 'approval_closed',
      });
    });
  });

  it('for a time: continues then, and says until when', async () => {
    const task = await bed.submit('timed', { afterMs: 1_500 });
    await bed.isStatus(task, 'waiting_input');
    const { causes } = await task.why();
    const view = await ended(task);

    const until = causes[0]?.until;
    assert.deepEqual(view.output, { until: until?.toISOString() });
    assert.ok((view.task.completedAt ?? new Date(0)) >= (until ?? new Date()));
  });

  it('for an event: reaches those that wait for its key, and those that wait for any; not those that come later', async () => {
    const { events } = muster.client.operations;
    const early = await events.publish({ name: 'shipped', key: 'A-1' });
    const task = await bed.submit('shipped', { order: 'A-1' });
    await bed.waitsFor(task, 2);

    const other = await events.publish({ name: 'shipped', key: 'A-2', data: 'other' });
    await bed.waitsFor(task, 1);
    const own = await events.publish({ name: 'shipped', key: 'A-1', data: 'own' });
    const view = await ended(task);

    assert.deepEqual([early.woken, other.woken, own.woken], [0, 1, 1]);
    assert.deepEqual(view.output, { shipped: 'own', any: 'other' });
  });

  describe('for entities', () => {
    it('takes what its input has and ends at once if that is all', async () => {
      const view = await ended(await bed.submit('asking-entities', { order: 'A-1', count: 0 }));

      assert.deepEqual(view.output, { order: 'A-1', count: 0, gift: null });
    });

    it('asks for what is missing, keeps what it has, refuses what does not fit, and continues', async () => {
      const task = await bed.submit('asking-entities', { order: 'wrong' });
      await bed.waitsFor(task);
      await bed.isStatus(task, 'waiting_input');
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
      const task = await bed.submit('asking-entities', { count: 1 });
      await bed.waitsFor(task);
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
    const task = await bed.submit('failing-after', { fails: true });
    await muster.client.operations.approvals.decide({ id: (await bed.approvalOf(task)).id, verdict: 'approve' });
    await task.send('paid', 'once');
    assert.equal(await bed.failed(task), 'handler_failed');

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
    const cancelled = await bed.submit('paid');
    await bed.isStatus(cancelled, 'waiting_input');
    await cancelled.cancel();
    assert.equal((await ended(cancelled)).task.status, 'cancelled');

    const paused = await bed.submit('paid');
    await bed.isStatus(paused, 'waiting_input');
    await paused.pause();
    await bed.isStatus(paused, 'paused');
    await paused.send('paid', 1);
    await eventually(async () => assert.equal((await paused.progress()).nodes.paid?.status, 'ok'));
    assert.equal((await paused.read()).status, 'paused');
    await paused.resume();
    assert.deepEqual((await ended(paused)).output, { paid: 1 });
  });
});
