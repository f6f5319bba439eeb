import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CliUnderTest, STARTS_WITHIN } from '../cli/cli-under-test.ts';
import { jsonLines, type RunningCli } from '../cli/run-cli.ts';
import { eventually } from '../support/eventually.ts';

interface Dead {
  taskId: string;
  graph: string;
  reason: string;
  node: string;
  traceId: string;
  attempts: number;
  error: { message: string };
}

describe('the command line, to an operator while a worker runs', function () {
  this.timeout(240_000);
  let cli: CliUnderTest;
  let worker: RunningCli;

  before(async () => {
    cli = await CliUnderTest.open('cli work');
    worker = await cli.startWorker();
  });

  after(() => cli?.close());

  it('lists what is dead with its cause, and lets one run again under a new trace', async () => {
    const failed = await cli.run(['submit', 'fail', '--param', 'text=no luck', '--wait', '--json']);
    const [{ taskId }] = jsonLines(failed.stdout) as [{ taskId: string }];

    const [letter] = await cli.ask<Dead[]>(['dead', '--graph', 'fail', '--since', '1h']);
    const text = await cli.run(['dead']);
    const wouldGo = await cli.ask(['redrive', taskId, '--dry-run']);
    const redriven = await cli.ask(['redrive', taskId]);
    await cli.untilStatus(taskId, 'failed');
    const view = await cli.run(['show', taskId]);

    assert.deepEqual(
      [letter?.taskId, letter?.graph, letter?.reason, letter?.node, letter?.attempts, letter?.error.message],
      [taskId, 'fail', 'handler_failed', 'fail', 1, 'no luck'],
    );
    assert.match(text.stdout, new RegExp(`^${taskId} +fail +.* ago +handler_failed +fail +1 +1 +no luck$`, 'm'));
    const task = { taskId, originTraceId: letter?.traceId };
    assert.deepEqual(
      [wouldGo, redriven],
      [
        { dryRun: true, tasks: [{ ...task, outcome: 'redrivable' }] },
        { dryRun: false, tasks: [{ ...task, outcome: 'redriven' }] },
      ],
    );
    assert.match(view.stdout, /^trace 2 .* redriven after trace 1$/m);
    assert.match(view.stdout, /`muster redrive \S+` lets it run again/);
  });

  it('redrives all that match, and tells of each that cannot be', async () => {
    const { taskId } = await cli.submit('echo', '--param', 'text=fine', '--wait');

    const all = await cli.ask<{ tasks: { outcome: string }[] }>([
      'redrive',
      '--all',
      '--graph',
      'fail',
      '--since',
      '1h',
    ]);
    const mixed = await cli.run(['redrive', taskId, '019ab3c4-5d6e-7f80-9123-456789abcdef']);

    assert.deepEqual(
      all.tasks.map(({ outcome }) => outcome),
      ['redriven'],
    );
    assert.equal(mixed.exitCode, 0);
    assert.match(
      mixed.stdout,
      /^0 tasks redriven\.\ntask \S+ is not dead and was not changed\.\ntask \S+ is not known/,
    );
    await cli.fails(
      ['redrive', taskId],
      /is completed; only a failed task can be redriven\. `muster dead` lists those\./,
    );
  });

  it('shows agents with health, roles and capabilities, and finds them by those', async () => {
    interface Agent {
      name: string;
      health: string;
      roles: string[];
      capabilities: string[];
      workerId: string;
    }
    const clerks = await eventually(async () => {
      const found = await cli.ask<Agent[]>(['agents', '--role', 'clerk']);
      assert.equal(found[0]?.health, 'alive');
      return found;
    }, STARTS_WITHIN);
    const nobody = await cli.run(['agents', '--capability', 'fly']);
    const text = await cli.run(['agents']);

    assert.deepEqual(
      clerks.map(({ name, roles, capabilities }) => ({ name, roles, capabilities })),
      [{ name: 'replier', roles: ['clerk'], capabilities: ['reply'] }],
    );
    assert.equal(nobody.stdout, 'No such agent.\n');
    assert.match(text.stdout, /^replier +alive +\w+ +worker +.* ago +\S+ +clerk +reply/m);
  });

  it('sends messages, waits for answers, and shows what became of them', async () => {
    const file = cli.file('message.json', '{"store":"minutes.md"}');

    const sent = await cli.ask<{ messageId: string }>(['send', 'replier', '--file', file, '--priority', 'high']);
    const asked = await cli.ask(['send', 'replier', '--request', '--data', '{"day":1}']);
    const all = await cli.ask<{ receipts: { agent: string }[] }>([
      'send',
      '--broadcast',
      '--data',
      '{"notice":"noon"}',
    ]);
    const found = await eventually(async () => {
      type Message = { id: string; status: string; priority: number; to: string };
      const list = await cli.ask<Message[]>(['messages', '--agent', 'replier', '--status', 'processed']);
      const message = list.find(({ id }) => id === sent.messageId);
      assert.ok(message !== undefined);
      return message;
    }, STARTS_WITHIN);

    assert.deepEqual(asked, { agent: 'replier', answer: { heard: { day: 1 } } });
    assert.deepEqual(
      all.receipts.map(({ agent }) => agent),
      ['replier'],
    );
    assert.deepEqual([found.priority, found.to], [2, 'replier']);
    const text = await cli.run(['messages']);
    assert.match(text.stdout, /^\S+ +processed +command +2 +- +replier .* \{"store":"minutes\.md"\}$/m);
  });

  it('refuses messages that cannot be sent', async () => {
    await cli.fails(['send', 'nobody', '--data', '{}'], /^muster: .*nobody/);
    await cli.fails(['send', 'replier', '--data', '[1]'], /--data must hold a JSON object .* found a list/, 2);
    await cli.fails(['send', 'replier', '--data', '{'], /--data cannot be read: it is not valid JSON/, 2);
    await cli.fails(['send', 'replier', '--file', 'none.json'], /none\.json cannot be read: there is no such file/);
    await cli.fails(['messages', 'redrive', '019ab3c4-5d6e-7f80-9123-456789abcdef'], /There is no message/);
  });

  it('watches the queue and prints a line for each change until Ctrl-C, which is no failure', async () => {
    const watching = cli.start(['queue', '--watch']);
    await eventually(() => assert.match(watching.stdout(), /running 0/), STARTS_WITHIN);

    const gate = join(cli.folder, 'gate');
    const { taskId } = await cli.submit('hold', '--param', `until=${gate}`);
    await eventually(() => assert.match(watching.stdout(), /^waiting .* running 1;/m), STARTS_WITHIN);
    writeFileSync(gate, '');
    await cli.untilStatus(taskId, 'completed');
    await eventually(() => assert.match(watching.stdout(), /running 0;[^\n]*\n$/), STARTS_WITHIN);
    watching.child.kill('SIGINT');

    const { exitCode, stdout, stderr } = await watching.ended;
    assert.deepEqual([exitCode, stderr], [0, '']);
    assert.ok(stdout.trimEnd().split('\n').length < 12, stdout);
  });

  it('watches agents as JSON, one value for each change', async () => {
    const watching = cli.start(['agents', '--role', 'clerk', '--watch', '--json']);
    await eventually(() => assert.match(watching.stdout(), /"replier"/), STARTS_WITHIN);

    worker.child.kill('SIGTERM');
    assert.equal((await worker.ended).exitCode, 0);
    await eventually(() => assert.match(watching.stdout(), /"unavailable"/), STARTS_WITHIN);
    watching.child.kill('SIGINT');

    const { exitCode, stdout } = await watching.ended;
    assert.equal(exitCode, 0);
    const healths = (jsonLines(stdout) as { health: string }[][]).map(([agent]) => agent?.health);
    assert.deepEqual([healths[0], healths.at(-1)], ['alive', 'unavailable']);
  });

  it('digests one chat of an account, and says first what of it was not read', async () => {
    const chat = (name: string, text: string) => ({
      name,
      messages: [{ id: 1, type: 'message', date: '2026-11-20T18:02:00', from: name, from_id: 'user1', text }],
    });
    const german = 'Wir haben gestern beschlossen, dass das Fest im Juni am Hafen ist und alle etwas mitbringen';
    writeFileSync(
      join(cli.folder, 'result.json'),
      JSON.stringify({ chats: { list: [chat('Ines', german), chat('Bo', 'hello')] } }),
    );

    const { exitCode, stdout, stderr } = await cli.run(['start', '.', '--chat', 'ines'], { cwd: cli.folder });

    assert.equal(exitCode, 0, stderr);
    assert.match(stdout, /Please note\n.*only read in English[\s\S]*\n {2}Ines +1 message[\s\S]*0\.20 of 1/);
  });
});
