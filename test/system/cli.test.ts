import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { QueueView } from '../../index.ts';
import { CliUnderTest, type ShownTask, STARTS_WITHIN, type Submitted } from '../cli/cli-under-test.ts';
import { jsonLines, type RunningCli } from '../cli/run-cli.ts';
import { eventually } from '../support/eventually.ts';

describe('the command line, on real services', function () {
  this.timeout(180_000);
  let cli: CliUnderTest;

  before(async () => {
    cli = await CliUnderTest.open('cli');
  });

  after(() => cli?.close());

  describe('before a worker is there', () => {
    it('tells the services, with the keys that others script against', async () => {
      for (const command of ['up', 'status', 'doctor']) {
        const report = await cli.ask<{ services: Record<string, unknown>[]; ready: boolean }>([command]);

        assert.equal(report.ready, true, command);
        assert.deepEqual(
          report.services.map(({ name, source, healthy }) => ({ name, source, healthy })),
          ['postgresql', 'redis', 'temporal'].map((name) => ({ name, source: 'environment', healthy: true })),
        );
        for (const service of report.services) {
          assert.deepEqual(Object.keys(service).toSorted(), ['address', 'detail', 'healthy', 'name', 'source']);
          assert.doesNotMatch(String(service.address), /:[^/@]+@/);
        }
      }
    });

    it('submits a task that waits', async () => {
      const task = await cli.submit(
        'channel-digest',
        '--param',
        'text=ann: hello',
        '--priority',
        'high',
        '--key',
        'k-1',
      );

      assert.deepEqual(task, {
        taskId: task.taskId,
        workflowId: `task/${task.taskId}/1`,
        status: 'pending',
        duplicate: false,
      });
      assert.deepEqual((await cli.ask<QueueView>(['queue'])).waiting, { high: 1, normal: 0, low: 0 });
      const listed = await cli.ask<{ id: string; priority: string }[]>([
        'tasks',
        '--status',
        'pending',
        '--limit',
        '1',
      ]);
      assert.deepEqual([listed[0]?.id, listed[0]?.priority], [task.taskId, 'high']);
    });

    it('says of a repetition under a key that it is one', async () => {
      const args = ['channel-digest', '--param', 'text=bob: hello', '--key', 'k-2'];
      const first = await cli.submit('channel-digest', ...args.slice(1));

      const second = await cli.submit('channel-digest', ...args.slice(1));

      assert.deepEqual(second, { ...first, duplicate: true });
      const conflict = await cli.run(['submit', 'channel-digest', '--param', 'text=other', '--key', 'k-2']);
      assert.equal(conflict.exitCode, 1);
      assert.match(conflict.stderr, /^muster: The key "k-2" belongs to task .* Use a new key for new work\.\n$/);
    });

    it('holds a waiting task back, lets it go and cancels it', async () => {
      const { taskId } = await cli.submit('channel-digest', '--param', 'text=cy: hello');

      const statuses = [];
      for (const command of ['pause', 'resume', 'cancel']) {
        statuses.push((await cli.ask<{ status: string }>([command, taskId])).status);
      }

      assert.deepEqual(statuses, ['deferred', 'pending', 'cancelled']);
      const again = await cli.run(['cancel', taskId]);
      assert.equal(again.exitCode, 1);
      assert.match(again.stderr, /is cancelled and cannot be cancelled\.\n$/);
      const ended = await cli.run(['watch', taskId]);
      assert.deepEqual([ended.exitCode, ended.stdout], [0, 'The task is cancelled.\n']);
    });

    it('keeps tenants apart', async () => {
      const { taskId } = await cli.submit('channel-digest', '--param', 'text=di: hello', '--tenant', 'acme');

      const [own, others] = await Promise.all([
        cli.run(['show', taskId, '--tenant', 'acme']),
        cli.run(['show', taskId]),
      ]);

      assert.equal(own.exitCode, 0);
      assert.equal(others.exitCode, 1);
      assert.match(others.stderr, /^muster: The tenant "default" has no task/);
    });

    it('stops waiting at Ctrl-C and says that the task continues', async () => {
      const waiting = cli.start(['submit', 'channel-digest', '--param', 'text=ed: hello', '--wait']);
      await eventually(() => /none is alive there, `muster worker/.test(waiting.stderr()), STARTS_WITHIN);

      waiting.child.kill('SIGINT');

      const { exitCode, stderr } = await waiting.ended;
      assert.equal(exitCode, 1);
      assert.match(
        stderr,
        /muster: Stopped waiting; the task \S+ continues on any worker\. `muster watch \S+` follows it/,
      );
    });
  });

  describe('with a worker that hosts a module of the user', () => {
    let worker: RunningCli;

    before(async () => {
      worker = await cli.startWorker();
    });

    it('says which worker serves which task queue when it is ready', () => {
      const [ready] = jsonLines(worker.stdout()) as {
        ready: boolean;
        workerId: string;
        taskQueue: string;
      }[];

      assert.equal(ready?.ready, true);
      assert.equal(ready?.taskQueue, cli.muster.taskQueue);
    });

    it('takes the tasks that were submitted before it was there', async () => {
      await cli.untilIdle();

      assert.deepEqual((await cli.ask<QueueView>(['queue'])).waiting, { high: 0, normal: 0, low: 0 });
      assert.equal(
        (await cli.ask<unknown[]>(['tasks', '--status', 'completed', '--graph', 'channel-digest'])).length,
        3,
      );
    });

    it('waits for the end and prints the output', async () => {
      const task = await cli.submit('echo', '--param', 'text=42', '--param', 'count=3', '--wait');

      assert.deepEqual(Object.keys(task), ['taskId', 'workflowId', 'status', 'duplicate', 'output']);
      assert.deepEqual([task.status, task.output], ['completed', { text: '42' }]);
    });

    it('reads its input from standard input', async () => {
      const task = await cli.ask<Submitted>(['submit', 'echo', '--input', '-', '--wait'], {
        stdin: '{"text":"piped"}',
      });

      assert.deepEqual(task.output, { text: 'piped' });
    });

    it('shows a task with its traces, runs and events, and for people as a table', async () => {
      const { taskId } = await cli.submit('echo', '--param', 'text=shown', '--wait');

      const [view, text] = await Promise.all([
        cli.ask<ShownTask>(['show', taskId]),
        cli.run(['show', taskId.toUpperCase()]),
      ]);

      const facts = 'task inputStart traces usage output pruned origin forks budget parent';
      assert.equal(Object.keys(view).join(' '), facts);
      assert.deepEqual(
        [view.task.id, view.task.status, view.task.priority, view.output],
        [taskId, 'completed', 'normal', { text: 'shown' }],
      );
      const [trace] = view.traces;
      assert.equal(trace?.status, 'completed');
      const [runOfEcho] = trace?.runs ?? [];
      const fields = Object.keys(runOfEcho ?? {})
        .toSorted()
        .join(' ');
      assert.equal(
        fields,
        'agent attempts error finishedAt inputStart nodeId outputStart path startedAt status takenFrom',
      );
      assert.deepEqual(
        trace?.events.map(({ seq, type, nodeId }) => [seq, type, nodeId]),
        [
          [1, 'trace.started', null],
          [2, 'run.started', 'echo'],
          [3, 'run.completed', 'echo'],
          [4, 'trace.completed', null],
        ],
      );
      assert.match(text.stdout, /^echo +echo +ok +1 /m);
    });

    it('watches a task to its end, and continues after an event that was seen', async () => {
      const { taskId } = await cli.submit('echo', '--param', 'text=watched');

      const all = jsonLines((await cli.run(['watch', taskId, '--json'])).stdout) as { seq: number; type: string }[];
      const rest = jsonLines((await cli.run(['watch', taskId, '--after', '2', '--json'])).stdout);

      assert.deepEqual(
        all.map(({ seq }) => seq),
        [1, 2, 3, 4],
      );
      assert.equal(all.at(-1)?.type, 'trace.completed');
      assert.deepEqual(rest, all.slice(2));
    });

    it('fails when the task that it waits for fails, with the reason', async () => {
      const { exitCode, stdout, stderr } = await cli.run([
        'submit',
        'fail',
        '--param',
        'text=no luck',
        '--wait',
        '--json',
      ]);

      assert.equal(exitCode, 1);
      const [task] = jsonLines(stdout) as Submitted[];
      assert.deepEqual([task?.status, task?.output], ['failed', null]);
      const { error } = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '');
      assert.equal(error.code, 'task_failed');
      assert.match(error.message, /failed at node fail: .*no luck/);
    });

    it('pauses, resumes and cancels a task that runs', async () => {
      const gate = join(cli.folder, 'gate');
      const { taskId } = await cli.submit('hold', '--param', `until=${gate}`);
      await cli.untilStatus(taskId, 'in_progress');

      const paused = await cli.ask<{ taskId: string; status: string }>(['pause', taskId]);
      const resumed = await cli.ask<{ status: string }>(['resume', taskId]);
      writeFileSync(gate, '');
      await cli.untilStatus(taskId, 'completed');

      assert.deepEqual([paused.taskId, paused.status, resumed.status], [taskId, 'paused', 'in_progress']);
      const other = await cli.submit('hold', '--param', `until=${gate}-never`);
      await cli.untilStatus(other.taskId, 'in_progress');
      const cancelled = await cli.ask<{ status: string }>(['cancel', other.taskId, '--reason', 'enough']);
      await cli.untilStatus(other.taskId, 'cancelled');
      assert.ok(['in_progress', 'cancelled'].includes(cancelled.status));
    });

    it('lists agents and graphs with what they take', async () => {
      const agents = await cli.ask<{ name: string; health: string }[]>(['agents']);
      const graphs = await cli.ask<{ name: string; inputSchema: { properties: object } }[]>(['graphs']);

      assert.equal(agents.find(({ name }) => name === 'holder')?.health, 'alive');
      const echo = graphs.find(({ name }) => name === 'echo');
      assert.deepEqual(Object.keys(echo?.inputSchema.properties ?? {}).toSorted(), ['count', 'text']);
    });

    it('counts what retention would remove, and removes it', async () => {
      const { taskId } = await cli.submit('echo', '--param', 'text=old', '--wait');
      await cli.query("update muster.tasks set completed_at = now() - interval '1000 days' where id = $1", [taskId]);
      interface Retention {
        dryRun: boolean;
        tables: { table: string; policy: { maxAgeDays: number; enabled: boolean }; rows: number }[];
      }
      const tasksOf = ({ tables }: Retention) => tables.find(({ table }) => table === 'tasks');

      const wouldGo = await cli.ask<Retention>(['retention', '--dry-run']);
      const went = await cli.ask<Retention>(['retention']);
      const left = await cli.ask<Retention>(['retention', '--dry-run']);

      assert.deepEqual([wouldGo.dryRun, went.dryRun], [true, false]);
      assert.deepEqual([tasksOf(wouldGo)?.rows, tasksOf(went)?.rows, tasksOf(left)?.rows], [1, 1, 0]);
      assert.equal((await cli.run(['show', taskId])).exitCode, 1);
    });

    it('digests the sample, or the text that it is given, and leaves the report beside the user', async () => {
      const { exitCode, stdout, stderr } = await cli.run(['start', '-'], {
        cwd: cli.folder,
        stdin: 'ann: We ship on Friday, agreed?\nbob: Agreed.\nann: I will write the notes today.\n',
      });

      assert.equal(exitCode, 0, stderr);
      assert.match(stderr, /done +publish/);
      assert.match(stdout, /^Participants\n {2}ann +2 messages/m);
      assert.match(stdout, /muster -- show [0-9a-f-]{36}/);
      const path = join(cli.folder, 'stdin.digest.md');
      assert.ok(stdout.includes(path));
      assert.match(readFileSync(path, 'utf8'), /^# /);
      const [address = ''] = stdout.match(/http:\S+/) ?? [];
      assert.ok(address.startsWith(`${cli.muster.stack.temporalUiUrl}/namespaces/default/workflows/task%2F`), address);
    });

    it('ends a worker at SIGTERM with exit code 0', async () => {
      worker.child.kill('SIGTERM');

      assert.equal((await worker.ended).exitCode, 0);
    });
  });
});
