import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { MusterUnderTest } from '../../support/muster.ts';
import { behindTheBack } from '../acceptance/database.ts';
import { ended, runOf } from '../acceptance/views.ts';
import { LARGE } from '../faults/world.ts';
import { WaitingBed } from './waiting-bed.ts';

/** To one task. */
const MESSAGES = LARGE ? 10_000 : 400;

describe('a message to a task', function () {
  this.timeout(LARGE ? 1_200_000 : 120_000);
  let bed: WaitingBed;
  let muster: MusterUnderTest;

  before(async () => {
    bed = await WaitingBed.open('messages to tasks');
    muster = bed.muster;
  });
  after(() => muster?.close());

  it('is taken where it was sent before the wait, and before the start', async () => {
    const task = await muster.client.submit('paid', {}, { startAt: new Date(Date.now() + 1_000) });

    const { waitId } = await task.send('paid', { amount: 20 });
    const view = await ended(task);

    assert.equal(waitId, null);
    assert.deepEqual(view.output, { paid: { amount: 20 } });
  });

  it('is taken while its task waits; each goes to one wait, in their order', async () => {
    const task = await bed.submit('thrice');
    await bed.waitsFor(task, 3);
    await bed.isStatus(task, 'waiting_input');

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
    const task = await bed.submit('thrice');
    await bed.waitsFor(task, 3);

    for (const number of [1, 1, 2, 3]) await task.send('paid', number, { key: `paid ${number}` });

    assert.deepEqual(Object.values((await ended(task)).output as object).toSorted(), [1, 2, 3]);
  });

  it('fails the wait where none has come in time, and what depends on it optionally continues', async () => {
    const view = await ended(await bed.submit('impatient'));

    assert.equal(runOf(view, 'paid').error?.code, 'wait_expired');
    assert.deepEqual(view.output, { paid: null });
  });

  it(`D8: is not lost, of ${MESSAGES} to one task, and the workflow hears only of those that end a wait`, async () => {
    const task = await bed.submit('reading');
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
      Array.from({ length: MESSAGES - 100 }, (_, index) => 100 + index),
    );
    const { events } = await (await muster.temporal()).workflow.getHandle(task.workflowId).fetchHistory();
    const signals = events?.filter((event) => event.workflowExecutionSignaledEventAttributes) ?? [];
    assert.ok(signals.length <= 2 * 100, `expected at most two signals for each wait, found ${signals.length}`);
  });

  it('is refused for a task that has ended', async () => {
    const task = await bed.submit('impatient');
    await ended(task);

    await assert.rejects(task.send('paid'), { code: 'task_not_open' });
  });
});
