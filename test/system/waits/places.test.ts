import assert from 'node:assert/strict';
import { eventually } from '../../support/eventually.ts';
import type { MusterUnderTest } from '../../support/muster.ts';
import { behindTheBack } from '../acceptance/database.ts';
import { ended, runOf } from '../acceptance/views.ts';
import { WaitingBed } from './waiting-bed.ts';

describe('a run that waits', function () {
  this.timeout(120_000);
  let bed: WaitingBed;
  let muster: MusterUnderTest;

  before(async () => {
    bed = await WaitingBed.open('places of waits');
    muster = bed.muster;
  });
  after(() => muster?.close());

  it('uses up no width of its graph: more wait than it allows, and what they wait for is still done', async () => {
    const task = await bed.submit('many-waits');
    await bed.waitsFor(task, 4);

    await eventually(async () => assert.equal((await task.progress()).nodes.say?.status, 'ok'));
    for (let number = 0; number < 4; number += 1) await task.send('paid', number);

    assert.deepEqual((await ended(task)).output, { said: 'done' });
  });

  it('fails with a sentence where PostgreSQL refuses its wait, and its trace replays', async () => {
    await behindTheBack(
      muster,
      "alter table muster.run_waits add constraint run_waits_refused_check check (name <> 'shipped' or key is not null)",
    );
    const task = await bed.submit('any-shipped');
    const view = await ended(task);

    assert.equal(view.task.status, 'failed');
    assert.equal(runOf(view, 'any').status, 'fatal_error');
    assert.equal(view.task.error?.code, 'write_refused');
    assert.equal((await muster.client.operations.tasks.replay({ id: task.id })).identical, true);
  });

  it('is looked at when its time has come by the clock of PostgreSQL, however far Temporal is ahead', async () => {
    const skewed = await WaitingBed.open('skewed clock');
    try {
      // The function of this one database: the server's clock is everybody's.
      await behindTheBack(
        skewed.muster,
        `set allow_system_table_mods = on;
         create or replace function pg_catalog.clock_timestamp() returns timestamptz language sql volatile
           as $$ select pg_catalog.statement_timestamp() - interval '1 minute' $$`,
      );
      await behindTheBack(
        skewed.muster,
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      );
      const task = await skewed.submit('timed', { afterMs: 5_000 });
      const view = await ended(task);
      const { until } = view.output as { until: string };

      assert.ok(Date.parse(until) < Date.now() - 50_000, `the clock of PostgreSQL is not behind: ${until}`);
      const { events } = await (await skewed.muster.temporal()).workflow.getHandle(task.workflowId).fetchHistory();
      const timers = events?.filter((event) => event.timerStartedEventAttributes) ?? [];
      assert.ok(timers.length <= 2, `expected a timer or two, found ${timers.length}`);
    } finally {
      await skewed.muster.close();
    }
  });
});
