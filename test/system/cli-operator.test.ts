import assert from 'node:assert/strict';
import type { QueueView } from '../../index.ts';
import { CliUnderTest } from '../cli/cli-under-test.ts';

describe('the command line, to an operator before a worker is there', function () {
  this.timeout(240_000);
  let cli: CliUnderTest;

  before(async () => {
    cli = await CliUnderTest.open('cli operator');
  });

  after(() => cli?.close());

  it('shows the queue of all tenants, and of one', async () => {
    await cli.submit('channel-digest', '--param', 'text=ann: hi', '--priority', 'high');
    await cli.submit('channel-digest', '--param', 'text=bob: hi', '--tenant', 'acme');

    const all = await cli.ask<QueueView>(['queue']);
    const one = await cli.ask<QueueView>(['queue', '--tenant', 'acme']);
    const text = await cli.run(['queue']);

    assert.deepEqual(
      [all.waiting, one.waiting],
      [
        { high: 1, normal: 1, low: 0 },
        { high: 0, normal: 1, low: 0 },
      ],
    );
    assert.deepEqual(
      all.tenants.map(({ tenant, waiting }) => [tenant, waiting]),
      [
        ['acme', 1],
        ['default', 1],
      ],
    );
    assert.match(text.stdout, /^high +1 +\d/m);
    assert.match(text.stdout, /^0 running, 0 deferred, 0 blocked, 0 overdue, 0 dead; 0 started in the last minute$/m);
    assert.match(text.stdout, /^No worker serves the task queue \S+: what waits there starts once one runs\.$/m);
    assert.match(text.stdout, /^2 waiting tasks need agents that no worker hosts: digest-.+ and \d+ more\.$/m);
  });

  it('shows it while Redis is unavailable, and says what is missing', async () => {
    const environment = { MUSTER_REDIS_URL: 'redis://127.0.0.1:1' };

    const queue = await cli.ask<QueueView>(['queue'], { environment });
    const text = await cli.run(['queue'], { environment });

    assert.deepEqual([queue.index, queue.waiting.high], ['unavailable', 1]);
    assert.match(text.stdout, /^Redis is unavailable: tasks are taken from PostgreSQL/m);
  });

  it('pauses and resumes, and shows what is paused', async () => {
    const paused = await cli.ask(['queue', 'pause', 'band:low']);
    await cli.ask(['queue', 'pause', 'tenant:acme']);
    const text = await cli.run(['queue']);
    const resumed = await cli.run(['queue', 'resume', 'band:low']);
    const last = await cli.ask(['queue', 'resume', 'tenant:acme']);

    assert.deepEqual(paused, { paused: ['band:low'] });
    assert.match(text.stdout, /^paused: band:low, tenant:acme$/m);
    assert.equal(resumed.stdout, 'band:low continues. Still paused: tenant:acme.\n');
    assert.deepEqual(last, { paused: [] });
  });

  it('sets, shows and unsets limits of both kinds', async () => {
    const set = await cli.ask(['limits', 'set', 'graph:echo', '2', '--while', 'occupying']);
    await cli.ask(['limits', 'set', 'endpoint:chat', '60/30', '--burst', '10', '--block', '5']);
    await cli.ask(['limits', 'set', 'endpoint:vote', '5/3600', '--sliding']);
    interface Limits {
      concurrency: { key: string; limit: number; while: string; held: number }[];
      rates: { name: string; limit: number; perSeconds: number; burst: number; algorithm: string }[];
    }
    const { concurrency, rates } = await cli.ask<Limits>(['limits']);
    const text = await cli.run(['limits']);
    await cli.ask(['limits', 'unset', 'graph:echo']);
    await cli.ask(['limits', 'unset', 'endpoint:chat']);
    const after = await cli.ask<Limits>(['limits']);

    assert.deepEqual(set, { key: 'graph:echo', limit: 2, while: 'occupying' });
    assert.deepEqual(
      concurrency.find(({ key }) => key === 'graph:echo'),
      {
        key: 'graph:echo',
        limit: 2,
        while: 'occupying',
        held: 0,
        parked: 0,
      },
    );
    assert.deepEqual(
      rates.find(({ name }) => name === 'endpoint:chat'),
      {
        name: 'endpoint:chat',
        algorithm: 'gcra',
        limit: 60,
        perSeconds: 30,
        burst: 10,
        blockSeconds: 5,
      },
    );
    assert.equal(rates.find(({ name }) => name === 'endpoint:vote')?.algorithm, 'sliding_log');
    assert.match(text.stdout, /^endpoint:chat +60 +30 s +10 +5 s +evenly$/m);
    const names = [...after.concurrency.map(({ key }) => key), ...after.rates.map(({ name }) => name)];
    assert.ok(!names.includes('graph:echo') && !names.includes('endpoint:chat') && names.includes('user:*'));
  });

  it('refuses limits that cannot be, and changes nothing', async () => {
    const before = await cli.ask(['limits']);

    await cli.fails(
      ['limits', 'set', 'graph:echo', '9999999'],
      /^muster: The settings "queue" cannot be used: graph:echo/,
    );
    await cli.fails(
      ['limits', 'set', 'planet:earth', '4/60'],
      /^muster: The settings "limits" cannot be used: "planet:earth"/,
    );
    await cli.fails(['limits', 'set', 'endpoint:chat', '4'], /cannot be limited to a number at once/, 2);

    assert.deepEqual(await cli.ask(['limits']), before);
  });

  it('has nothing dead, no message and nothing to redrive, and says so', async () => {
    const [dead, messages, redriven] = await Promise.all([
      cli.run(['dead']),
      cli.run(['messages']),
      cli.run(['redrive', '--all']),
    ]);

    assert.equal(dead.stdout, 'No task is dead.\n');
    assert.equal(messages.stdout, 'No message yet. `muster send AGENT` sends one.\n');
    assert.equal(redriven.stdout, '0 tasks redriven.\n');
    await cli.fails(['redrive', '019ab3c4-5d6e-7f80-9123-456789abcdef'], /has no task .*`muster tasks`/);
    await cli.fails(['send', 'nobody', '--data', '{}'], /^muster: .*nobody/);
  });

  it('submits tasks with times, which wait for them', async () => {
    const later = await cli.submit('channel-digest', '--param', 'text=a: b', '--start-at', '2h', '--due', '3h');
    const behind = await cli.submit('channel-digest', '--param', 'text=a: c', '--depends-on', later.taskId);

    const { deferred, blocked } = await cli.ask<QueueView>(['queue']);
    await cli.ask(['cancel', later.taskId]);

    assert.deepEqual([later.status, behind.status, deferred, blocked], ['deferred', 'blocked', 1, 1]);
    await cli.fails(
      ['submit', 'channel-digest', '--param', 'text=a', '--start-at', '2h', '--deadline', '1h'],
      /`deadlineAt` must lie after/,
    );
    await cli.fails(
      ['submit', 'channel-digest', '--param', 'text=a', '--repeat', 'hourly'],
      /--repeat: "hourly" is not/,
      2,
    );
  });
});
