import assert from 'node:assert/strict';
import { connect, type Muster } from '../../../index.ts';
import type { MusterUnderTest } from '../../support/muster.ts';
import { behindTheBack } from '../acceptance/database.ts';
import { ended } from '../acceptance/views.ts';
import { type CommitCutter, startCommitCutter } from '../faults/commit-cutter.ts';
import { WaitingBed } from './waiting-bed.ts';

describe('what is told to nodes that wait while answers to a COMMIT are lost', function () {
  this.timeout(120_000);
  let bed: WaitingBed;
  let muster: MusterUnderTest;
  let cutter: CommitCutter;
  let client: Muster;

  before(async () => {
    bed = await WaitingBed.open('lost answers');
    muster = bed.muster;
    const url = new URL(muster.databaseUrl);
    cutter = await startCommitCutter(Number(url.port));
    url.port = String(cutter.port);
    client = await connect({ environment: { ...muster.environment, MUSTER_DATABASE_URL: url.toString() } });
  });
  after(async () => {
    await client?.close();
    await cutter?.close();
    await muster?.close();
  });

  /** Cuts around each COMMIT until the answer to one was lost. */
  const losing = async <Answer>(work: () => Promise<Answer>): Promise<Answer> => {
    const before = cutter.lostAnswers;
    cutter.cutEvery(1);
    const watch = setInterval(() => cutter.lostAnswers > before && cutter.cutEvery(0), 1);
    try {
      return await work();
    } finally {
      clearInterval(watch);
      cutter.cutEvery(0);
      assert.ok(cutter.lostAnswers > before, 'no answer was lost');
    }
  };

  it('sends a message without a key once, whether it is kept or ends a wait', async () => {
    const task = await bed.submit('thrice');
    await bed.waitsFor(task, 3);
    const { waitId } = await losing(() => client.call('tasks.send', { id: task.id, name: 'paid', data: 1 }));
    await bed.waitsFor(task, 2);
    const kept = await losing(() => client.call('tasks.send', { id: task.id, name: 'other', data: 2 }));

    assert.ok(waitId !== null);
    assert.equal(kept.waitId, null);
    await bed.waitsFor(task, 2);
    const rows = await behindTheBack(muster, `select name from muster.task_messages where task_id = '${task.id}'`);
    assert.deepEqual(rows, [{ name: 'other' }]);
    await task.cancel();
  });

  it('says of an answer what it came to, part of it and the rest', async () => {
    const task = await bed.submit('asking-entities');
    await bed.waitsFor(task);
    const answer = (values: Readonly<Record<string, unknown>>) =>
      losing(() => client.call('tasks.answer', { id: task.id, values }));

    const part = await answer({ count: 7 });
    const whole = await answer({ order: 'A-1' });

    assert.deepEqual([part.values, part.missing.map(({ name }) => name)], [{ count: 7 }, ['order']]);
    assert.deepEqual([whole.path, whole.values, whole.missing], ['ask', { count: 7, order: 'A-1' }, []]);
    assert.deepEqual((await ended(task)).output, { order: 'A-1', count: 7, gift: null });
  });
});
