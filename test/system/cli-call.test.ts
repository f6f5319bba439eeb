import assert from 'node:assert/strict';
import { CliUnderTest } from '../cli/cli-under-test.ts';

const UNKNOWN = '019ab3c4-5d6e-7f80-9123-456789abcdef';

describe('muster call', function () {
  this.timeout(240_000);
  let cli: CliUnderTest;

  before(async () => {
    cli = await CliUnderTest.open('cli call');
  });

  after(() => cli?.close());

  const call = <Answer>(name: string, data: object, ...more: string[]) =>
    cli.ask<Answer>(['call', name, '--data', JSON.stringify(data), ...more]);

  it('calls operations by their names, with their input as JSON, and prints what they answer', async () => {
    const input = { graph: 'channel-digest', input: { text: 'ann: hi' }, startAt: '2099-01-01T09:00:00Z' };
    const { id } = await call<{ id: string }>('tasks.submit', input);
    const { status } = await call<{ status: string }>('tasks.read', { id });
    const { stdout } = await cli.run(['call', 'tasks.read', '--file', '-'], { stdin: JSON.stringify({ id }) });

    assert.equal(status, 'deferred');
    assert.match(stdout, /"status": "deferred"/);
  });

  it('calls on behalf of a user, whom the audit log names', async () => {
    await call('queue.pause', { target: 'band:low' }, '--as', 'ada');
    await call('queue.resume', { target: 'band:low' });

    const rows = await cli.query(
      `select actor from muster.audit_log where action like 'settings%' order by created_at, id`,
    );
    assert.deepEqual(
      rows.map(({ actor }) => actor),
      ['ada', 'client'],
    );
  });

  it('makes a call under a key once, and refuses one where no key is taken', async () => {
    const changed = () => cli.query(`select id from muster.audit_log where details->>'weight' = 'acme'`);
    const set = () => call('queue.setWeight', { tenant: 'acme', weight: 3 }, '--key', 'change-17');

    assert.deepEqual(await set(), await set());

    assert.equal((await changed()).length, 1);
    await cli.fails(['call', 'tasks.list', '--key', 'k'], /tasks\.list takes no `key`/);
  });

  it('says with --dry-run what an operation would do, and does nothing', async () => {
    const report = await call<{ dryRun: boolean; tasks: unknown[] }>('tasks.redrive', { all: true }, '--dry-run');

    assert.deepEqual(report, { dryRun: true, tasks: [] });
    await cli.fails(['call', 'tasks.read', '--dry-run'], /^muster: tasks\.read has no dry run\./, 2);
  });

  it('refuses what is not understood in one sentence, and what fails with the reason', async () => {
    await cli.fails(
      ['call', 'task.cancel'],
      /^muster: "task\.cancel" is not an operation \(did you mean tasks\.cancel\?\)/,
      2,
    );
    await cli.fails(['call', 'tasks.read', '--data', '[]'], /--data must hold a JSON object/, 2);
    await cli.fails(['call', 'tasks.read', '--data', '{'], /--data.*it is not valid JSON/, 2);
    await cli.fails(
      ['call', 'tasks.list', '--data', '{"statsu":"failed"}'],
      /^muster: tasks\.list was called .*did you mean `status`\?/,
      2,
    );
    await cli.fails(['call', 'tasks.read', '--data', JSON.stringify({ id: UNKNOWN })], /has no task/);
  });
});
