import assert from 'node:assert/strict';
import { withPostgresql } from '../../../servers/probe/probes.ts';
import { CliUnderTest } from '../../cli/cli-under-test.ts';
import { eventually } from '../../support/eventually.ts';
import { ended } from '../acceptance/views.ts';
import { graphs } from './fork-graphs.ts';

interface ForkedByCli {
  readonly taskId: string | null;
  readonly takenOver: readonly string[];
  readonly again: readonly string[];
}

describe('`muster fork` and `muster diff`', function () {
  this.timeout(120_000);
  let cli: CliUnderTest;

  before(async () => {
    cli = await CliUnderTest.open('fork cli');
    await cli.muster.work({ graphs });
  });
  after(() => cli?.close());

  const submit = async () => {
    const task = await cli.muster.client.submit('fork-chain', {});
    await ended(task);
    return task;
  };
  const forkRows = () => cli.query('select task_id from muster.task_forks');

  it('say what is taken over and what runs again, and where the two part', async () => {
    const task = await submit();

    const dry = await cli.run(['fork', task.id, '--at', 'second', '--dry-run']);
    const made = await cli.ask<ForkedByCli>([
      'fork',
      task.id,
      '--at',
      'second',
      '--key',
      'cli',
      '--data',
      '{"size":3}',
    ]);
    const again = await cli.run(['fork', task.id, '--at', 'second', '--key', 'cli', '--data', '{"size":3}']);
    await ended(cli.muster.client.task(made.taskId as string));
    const diff = await cli.run(['diff', task.id, made.taskId as string]);
    const shown = await cli.run(['show', made.taskId as string]);
    const origin = await cli.run(['show', task.id]);

    assert.match(
      dry.stdout,
      /^2 runs are taken over: .*\n2 runs are to be run again: second, third\.\nIt calls no model\.$/m,
    );
    assert.deepEqual(made.again.toSorted(), ['second', 'third']);
    assert.match(again.stdout, new RegExp(`^The key is known: ${made.taskId} is its fork`));
    assert.match(diff.stdout, /^They part at second\.$/m);
    assert.match(diff.stdout, /^second +ok +ok +0 +.*\/count: \d+ → \d+$/m);
    assert.match(shown.stdout, new RegExp(`^continues trace 1 of ${task.id} at second$`, 'm'));
    assert.match(shown.stdout, /^first +fork-slow +ok +1 +taken over$/m);
    assert.match(origin.stdout, new RegExp(`^forks +${made.taskId} at second$`, 'm'));
    await cli.fails(['fork', task.id, '--at', 'nobody'], /cannot be forked at "nobody"/);
    await cli.fails(['fork', task.id], /--at/, 2);
    await cli.fails(['diff', task.id, '1'], /Name two traces/, 2);
  });

  it('leaves nothing of a fork behind that dies before its commit', async () => {
    const task = await submit();
    const before = await forkRows();
    const url = new URL(cli.muster.stack.superuserUrl);
    url.pathname = new URL(cli.muster.databaseUrl).pathname;

    await withPostgresql(url.toString(), async (client) => {
      await client.query('begin; lock table muster.task_forks in share row exclusive mode');
      const dying = cli.start(['fork', task.id, '--at', 'third', '--key', 'dying']);
      await eventually(async () => {
        const waiting = await cli.query(
          `select 1 from pg_locks where not granted and relation = 'muster.task_forks'::regclass`,
        );
        return waiting.length > 0;
      });
      dying.child.kill('SIGKILL');
      await dying.ended;
      await client.query('rollback');
    });
    await eventually(async () => {
      const left = await cli.query(
        `select 1 from pg_stat_activity where state = 'idle in transaction' and datname = current_database()`,
      );
      return left.length === 0;
    });

    assert.deepEqual(await forkRows(), before);
    assert.deepEqual(await cli.query(`select 1 from muster.tasks where idempotency_key = 'dying'`), []);
    const orphans = await cli.query(
      'select 1 from muster.agent_runs r where not exists (select from muster.agent_traces t where t.id = r.trace_id)',
    );
    assert.deepEqual(orphans, []);
    const again = await cli.ask<ForkedByCli>(['fork', task.id, '--at', 'third', '--key', 'dying']);
    assert.equal((await ended(cli.muster.client.task(again.taskId as string))).task.status, 'completed');
  });
});
