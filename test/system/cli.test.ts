import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withPostgresql } from '../../services/probes.ts';
import { type CliOptions, type CliResult, jsonLines, type RunningCli, runCli, startCli } from '../cli/run-cli.ts';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';

const UNKNOWN_TASK = '019ab3c4-5d6e-7f80-9123-456789abcdef';
const USER_AGENTS = 'test/cli/fixtures/user-agents.ts';
const STARTS_WITHIN = { withinMs: 60_000 };

interface Submitted {
  taskId: string;
  workflowId: string;
  status: string;
  duplicate: boolean;
  output?: unknown;
}

describe('the command line, on real services', function () {
  this.timeout(180_000);
  let muster: MusterUnderTest;
  let folder: string;
  let environment: Record<string, string>;
  const workers: RunningCli[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'muster-cli-'));
    muster = await openMuster('cli');
    environment = { ...muster.environment, MUSTER_STATE_DIR: join(folder, 'state') };
    const { exitCode, stderr } = await run(['up']);
    assert.equal(exitCode, 0, stderr);
  });

  after(async () => {
    for (const worker of workers) worker.child.kill('SIGTERM');
    await Promise.all(workers.map((worker) => worker.ended));
    await muster?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function run(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    return runCli(args, { ...options, environment: { ...environment, ...options.environment } });
  }

  /** Runs a command that has to succeed and reads what it prints with `--json`. */
  async function ask<Answer>(args: readonly string[], options: CliOptions = {}): Promise<Answer> {
    const { exitCode, stdout, stderr } = await run([...args, '--json'], options);
    assert.equal(exitCode, 0, stderr);
    const [answer, ...others] = jsonLines(stdout);
    assert.equal(others.length, 0, stdout);
    return answer as Answer;
  }

  function file(name: string, content: string | Uint8Array): string {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  }

  async function startWorker(): Promise<RunningCli> {
    const worker = startCli(['worker', '--agents', USER_AGENTS, '--json'], { environment });
    workers.push(worker);
    await eventually(() => {
      assert.equal(worker.child.exitCode, null, worker.stderr());
      return worker.stdout().includes('\n');
    }, STARTS_WITHIN);
    return worker;
  }

  /** Until no task waits or runs and everything that was to be sent is sent. */
  function untilIdle(): Promise<unknown> {
    const open = `select 1 from muster.tasks where status not in ('completed', 'failed', 'cancelled')
      union all select 1 from muster.outbox where sent_at is null`;
    return eventually(
      () => withPostgresql(superuserUrl(muster), async (client) => (await client.query(open)).rowCount === 0),
      STARTS_WITHIN,
    );
  }

  function untilStatus(taskId: string, status: string): Promise<unknown> {
    return eventually(
      async () => assert.equal((await muster.client.task(taskId).read()).status, status),
      STARTS_WITHIN,
    );
  }

  const submit = (graph: string, ...args: string[]) => ask<Submitted>(['submit', graph, ...args]);

  describe('before a worker is there', () => {
    it('tells the services, with the keys that others script against', async () => {
      for (const command of ['up', 'status', 'doctor']) {
        const report = await ask<{ services: Record<string, unknown>[]; ready: boolean }>([command]);

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
      const task = await submit('channel-digest', '--param', 'text=ann: hello', '--priority', 'high', '--key', 'k-1');

      assert.deepEqual(task, {
        taskId: task.taskId,
        workflowId: `task/${task.taskId}/1`,
        status: 'pending',
        duplicate: false,
      });
      assert.deepEqual(await ask(['queue']), { waiting: { high: 1, normal: 0, low: 0 }, running: 0 });
      const listed = await ask<{ id: string; priority: string }[]>(['tasks', '--status', 'pending', '--limit', '1']);
      assert.deepEqual([listed[0]?.id, listed[0]?.priority], [task.taskId, 'high']);
    });

    it('says of a repetition under a key that it is one', async () => {
      const args = ['channel-digest', '--param', 'text=bob: hello', '--key', 'k-2'];
      const first = await submit('channel-digest', ...args.slice(1));

      const second = await submit('channel-digest', ...args.slice(1));

      assert.deepEqual(second, { ...first, duplicate: true });
      const conflict = await run(['submit', 'channel-digest', '--param', 'text=other', '--key', 'k-2']);
      assert.equal(conflict.exitCode, 1);
      assert.match(conflict.stderr, /^muster: The key "k-2" belongs to task .* Use a new key for new work\.\n$/);
    });

    it('holds a waiting task back, lets it go and cancels it', async () => {
      const { taskId } = await submit('channel-digest', '--param', 'text=cy: hello');

      const statuses = [];
      for (const command of ['pause', 'resume', 'cancel']) {
        statuses.push((await ask<{ status: string }>([command, taskId])).status);
      }

      assert.deepEqual(statuses, ['deferred', 'pending', 'cancelled']);
      const again = await run(['cancel', taskId]);
      assert.equal(again.exitCode, 1);
      assert.match(again.stderr, /is cancelled and cannot be cancelled\.\n$/);
      const ended = await run(['watch', taskId]);
      assert.deepEqual([ended.exitCode, ended.stdout], [0, 'The task is cancelled.\n']);
    });

    it('keeps tenants apart', async () => {
      const { taskId } = await submit('channel-digest', '--param', 'text=di: hello', '--tenant', 'acme');

      const [own, others] = await Promise.all([run(['show', taskId, '--tenant', 'acme']), run(['show', taskId])]);

      assert.equal(own.exitCode, 0);
      assert.equal(others.exitCode, 1);
      assert.match(others.stderr, /^muster: The tenant "default" has no task/);
    });

    it('stops waiting at Ctrl-C and says that the task goes on', async () => {
      const waiting = startCli(['submit', 'channel-digest', '--param', 'text=ed: hello', '--user', 'ed', '--wait'], {
        environment,
      });
      await eventually(() => /No worker has taken the task/.test(waiting.stderr()), STARTS_WITHIN);

      waiting.child.kill('SIGINT');

      const { exitCode, stderr } = await waiting.ended;
      assert.equal(exitCode, 1);
      assert.match(
        stderr,
        /muster: Stopped waiting; the task \S+ goes on wherever a worker runs\. `muster watch \S+` follows it/,
      );
    });
  });

  describe('given what it cannot use', () => {
    const submitFile = (path: string, ...more: string[]) => ['submit', 'channel-digest', '--input', path, ...more];
    interface Refused {
      readonly title: string;
      readonly args: () => readonly string[];
      readonly says: RegExp;
      readonly exitCode?: number;
      readonly stdin?: string;
    }
    const refused: readonly Refused[] = [
      { title: 'a missing file', args: () => submitFile('no.txt'), says: /no\.txt cannot be read: there is no such/ },
      { title: 'a folder', args: () => submitFile(folder), says: /it is a folder\. Name one file in it\./ },
      {
        title: 'a binary file',
        args: () => submitFile(file('a.bin', Buffer.from([0, 159, 146, 150]))),
        says: /not UTF-8 text\. Convert it/,
      },
      { title: 'an empty file', args: () => submitFile(file('empty.txt', '')), says: /it is empty\. Give a file/ },
      { title: 'a NUL in a text', args: () => submitFile(file('nul.txt', 'a\0b')), says: /it is a binary file\./ },
      {
        title: 'a file of 50 MB',
        args: () => submitFile(file('large.txt', Buffer.alloc(50_000_000, 'a'))),
        says: /has 50000000 bytes and may have 10000000\. Split it/,
      },
      { title: 'nothing on standard input', args: () => submitFile('-'), says: /stdin cannot be read: it is empty/ },
      { title: 'no document', args: () => ['submit', 'channel-digest'], says: /Give one with --input FILE/ },
      { title: 'an unknown graph', args: () => ['submit', 'nope'], says: /no graph "nope"\. Published are: channel-/ },
      {
        title: 'a value that the schema refuses',
        args: () => submitFile(file('ok.txt', 'ann: hi'), '--param', 'maxTopics=99'),
        says: /\/maxTopics must be <= 20/,
      },
      {
        title: 'an unknown parameter',
        args: () => submitFile(file('ok.txt', 'ann: hi'), '--param', 'maxTopic=9'),
        says: /takes no parameter "maxTopic"\. It takes /,
      },
      {
        title: 'an unknown option',
        args: () => submitFile('x', '--pirority', 'high'),
        says: /mean --priority\?/,
        exitCode: 2,
      },
      {
        title: 'an unknown priority',
        args: () => submitFile('x', '--priority', '1'),
        says: /high, normal, low/,
        exitCode: 2,
      },
      { title: 'an unknown task', args: () => ['show', UNKNOWN_TASK], says: /has no task .*`muster tasks` lists/ },
      { title: 'an unknown task to watch', args: () => ['watch', UNKNOWN_TASK], says: /has no task/ },
      { title: 'an unknown task to cancel', args: () => ['cancel', UNKNOWN_TASK], says: /has no task/ },
      { title: 'an unknown task to pause', args: () => ['pause', UNKNOWN_TASK], says: /has no task/ },
      { title: 'a PostgreSQL that is away', args: () => submitFile('x'), says: /PostgreSQL at .*`muster up`/ },
      { title: 'a worker without PostgreSQL', args: () => ['worker'], says: /does not answer.*`muster up`/ },
      { title: 'a worker without Temporal', args: () => ['worker'], says: /Temporal at .*`muster up`/ },
      {
        title: 'a worker without its module',
        args: () => ['worker', '--agents', 'no.ts'],
        says: /no\.ts cannot be used/,
      },
      { title: 'a schema that was never made', args: () => ['tasks'], says: /not prepared .*`muster migrate`/ },
      {
        title: 'no service at all',
        args: () => ['tasks'],
        says: /PostgreSQL is not running\. Start it with `muster up`/,
      },
    ];
    let closedPort: number;
    before(async () => {
      closedPort = await freePort();
    });

    /** What is wrong with the surroundings, by the title of its case. */
    function surroundings(title: string): Record<string, string> {
      if (title.includes('PostgreSQL')) return { MUSTER_DATABASE_URL: `postgres://m@127.0.0.1:${closedPort}/m` };
      if (title.includes('Temporal')) return { TEMPORAL_ADDRESS: `127.0.0.1:${closedPort}` };
      if (title.includes('schema that')) return { MUSTER_DATABASE_URL: muster.stack.ownerUrl };
      if (title.includes('no service')) return { MUSTER_DATABASE_URL: '', MUSTER_REDIS_URL: '', TEMPORAL_ADDRESS: '' };
      return {};
    }

    for (const { title, args, says, exitCode = 1, stdin = '' } of refused) {
      it(`refuses ${title} in one sentence and leaves no row`, async () => {
        const rowsBefore = await countRows(muster);

        const result = await run([...args()], { stdin, environment: { ...surroundings(title) } });

        assert.equal(result.exitCode, exitCode, result.stderr);
        assert.equal(result.stdout, '');
        const [sentence = '', ...more] = result.stderr.trimEnd().split('\n');
        assert.deepEqual(more, []);
        assert.match(sentence, /^muster: [A-Z0-9"/a-z.-].*[.]$/);
        assert.match(sentence, says);
        assert.deepEqual(await countRows(muster), rowsBefore);
      });
    }

    it('refuses malformed JSON and JSON that is no object for a graph that takes JSON', async () => {
      const worker = await startWorker();
      await untilIdle();
      const rowsBefore = await countRows(muster);

      const results = await Promise.all([
        run(['submit', 'echo', '--input', file('bad.json', '{"text":')]),
        run(['submit', 'echo', '--input', file('list.json', '[1]')]),
        run(['submit', 'echo', '--input', file('nul.json', '{"text":"\\u0000"}')]),
      ]);

      assert.deepEqual(
        results.map((result) => result.exitCode),
        [1, 1, 1],
      );
      assert.match(results[0]?.stderr ?? '', /bad\.json cannot be read: it is not valid JSON: .*Correct it there\.\n$/);
      assert.match(results[1]?.stderr ?? '', /must hold a JSON object like .*found a list\.\n$/);
      assert.match(results[2]?.stderr ?? '', /NUL character/);
      assert.deepEqual(await countRows(muster), rowsBefore);
      assert.equal(worker.child.exitCode, null);
    });
  });

  describe('with a worker that hosts a module of the user', () => {
    before(async () => {
      if (workers.length === 0) await startWorker();
    });

    it('says which worker serves which task queue when it is ready', () => {
      const [ready] = jsonLines(workers[0]?.stdout() ?? '') as {
        ready: boolean;
        workerId: string;
        taskQueue: string;
      }[];

      assert.equal(ready?.ready, true);
      assert.equal(ready?.taskQueue, muster.taskQueue);
    });

    it('takes the tasks that were submitted before it was there', async () => {
      await untilIdle();

      assert.deepEqual(await ask(['queue']), { waiting: { high: 0, normal: 0, low: 0 }, running: 0 });
      assert.equal((await ask<unknown[]>(['tasks', '--status', 'completed', '--graph', 'channel-digest'])).length, 3);
    });

    it('waits for the end and prints the output', async () => {
      const task = await submit('echo', '--param', 'text=42', '--param', 'count=3', '--wait');

      assert.deepEqual(Object.keys(task), ['taskId', 'workflowId', 'status', 'duplicate', 'output']);
      assert.deepEqual([task.status, task.output], ['completed', { text: '42' }]);
    });

    it('reads its input from standard input', async () => {
      const task = await ask<Submitted>(['submit', 'echo', '--input', '-', '--wait'], { stdin: '{"text":"piped"}' });

      assert.deepEqual(task.output, { text: 'piped' });
    });

    it('shows a task with its traces, runs and events, and for people as a table', async () => {
      const { taskId } = await submit('echo', '--param', 'text=shown', '--wait');

      const [view, text] = await Promise.all([ask<ShownTask>(['show', taskId]), run(['show', taskId.toUpperCase()])]);

      assert.deepEqual(Object.keys(view), ['task', 'traces', 'output']);
      assert.deepEqual(
        [view.task.id, view.task.status, view.task.priority, view.output],
        [taskId, 'completed', 'normal', { text: 'shown' }],
      );
      const [trace] = view.traces;
      assert.equal(trace?.status, 'completed');
      const [runOfEcho] = trace?.runs ?? [];
      assert.deepEqual(Object.keys(runOfEcho ?? {}).toSorted(), [
        'agent',
        'attempts',
        'error',
        'finishedAt',
        'nodeId',
        'startedAt',
        'status',
      ]);
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

    it('watches a task to its end, and goes on after an event that was seen', async () => {
      const { taskId } = await submit('echo', '--param', 'text=watched');

      const all = jsonLines((await run(['watch', taskId, '--json'])).stdout) as { seq: number; type: string }[];
      const rest = jsonLines((await run(['watch', taskId, '--after', '2', '--json'])).stdout);

      assert.deepEqual(
        all.map(({ seq }) => seq),
        [1, 2, 3, 4],
      );
      assert.equal(all.at(-1)?.type, 'trace.completed');
      assert.deepEqual(rest, all.slice(2));
    });

    it('fails when the task that it waits for fails, with the reason', async () => {
      const { exitCode, stdout, stderr } = await run(['submit', 'fail', '--param', 'text=no luck', '--wait', '--json']);

      assert.equal(exitCode, 1);
      const [task] = jsonLines(stdout) as Submitted[];
      assert.deepEqual([task?.status, task?.output], ['failed', null]);
      const { error } = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '');
      assert.equal(error.code, 'task_failed');
      assert.match(error.message, /failed at node fail: .*no luck/);
    });

    it('pauses, resumes and cancels a task that runs', async () => {
      const gate = join(folder, 'gate');
      const { taskId } = await submit('hold', '--param', `until=${gate}`);
      await untilStatus(taskId, 'in_progress');

      const paused = await ask<{ taskId: string; status: string }>(['pause', taskId]);
      const resumed = await ask<{ status: string }>(['resume', taskId]);
      writeFileSync(gate, '');
      await untilStatus(taskId, 'completed');

      assert.deepEqual([paused.taskId, paused.status, resumed.status], [taskId, 'paused', 'in_progress']);
      const other = await submit('hold', '--param', `until=${gate}-never`);
      await untilStatus(other.taskId, 'in_progress');
      const cancelled = await ask<{ status: string }>(['cancel', other.taskId, '--reason', 'enough']);
      await untilStatus(other.taskId, 'cancelled');
      assert.ok(['in_progress', 'cancelled'].includes(cancelled.status));
    });

    it('lists agents and graphs with what they take', async () => {
      const agents = await ask<{ name: string; status: string }[]>(['agents']);
      const graphs = await ask<{ name: string; inputSchema: { properties: object } }[]>(['graphs']);

      assert.equal(agents.find(({ name }) => name === 'holder')?.status, 'active');
      const echo = graphs.find(({ name }) => name === 'echo');
      assert.deepEqual(Object.keys(echo?.inputSchema.properties ?? {}).toSorted(), ['count', 'text']);
    });

    it('counts what retention would remove, and removes it', async () => {
      const { taskId } = await submit('echo', '--param', 'text=old', '--wait');
      await withPostgresql(superuserUrl(muster), (client) =>
        client.query("update muster.tasks set completed_at = now() - interval '1000 days' where id = $1", [taskId]),
      );
      interface Retention {
        dryRun: boolean;
        tables: { table: string; policy: { maxAgeDays: number; enabled: boolean }; rows: number }[];
      }
      const tasksOf = ({ tables }: Retention) => tables.find(({ table }) => table === 'tasks');

      const wouldGo = await ask<Retention>(['retention', '--dry-run']);
      const went = await ask<Retention>(['retention']);
      const left = await ask<Retention>(['retention', '--dry-run']);

      assert.deepEqual([wouldGo.dryRun, went.dryRun], [true, false]);
      assert.deepEqual([tasksOf(wouldGo)?.rows, tasksOf(went)?.rows, tasksOf(left)?.rows], [1, 1, 0]);
      assert.equal((await run(['show', taskId])).exitCode, 1);
    });

    it('digests the sample, or the text that it is given, and leaves the report beside the user', async () => {
      const { exitCode, stdout, stderr } = await run(['start', '-'], {
        cwd: folder,
        stdin: 'ann: We ship on Friday, agreed?\nbob: Agreed.\nann: I will write the notes today.\n',
      });

      assert.equal(exitCode, 0, stderr);
      assert.match(stderr, /done +publish/);
      assert.match(stdout, /^Participants\n {2}ann +2 messages/m);
      assert.match(stdout, /muster -- show [0-9a-f-]{36}/);
      const path = join(folder, 'stdin.digest.md');
      assert.ok(stdout.includes(path));
      assert.match(readFileSync(path, 'utf8'), /^# /);
      const [address = ''] = stdout.match(/http:\S+/) ?? [];
      assert.ok(address.startsWith(`${muster.stack.temporalUiUrl}/namespaces/default/workflows/task%2F`), address);
    });

    it('ends a worker at SIGTERM with exit code 0', async () => {
      const worker = workers[0];
      worker?.child.kill('SIGTERM');

      assert.equal((await worker?.ended)?.exitCode, 0);
    });
  });

  describe('on an installation with a fault', () => {
    it('C083: says which step of the set-up failed and why, and is not ready', async () => {
      const port = await freePort();
      const broken: [Record<string, string>, RegExp][] = [
        [{ MUSTER_REDIS_URL: `redis://127.0.0.1:${port}` }, /^Redis at redis:\/\/127\.0\.0\.1:\d+ .* is not usable/],
        [{ TEMPORAL_ADDRESS: `127.0.0.1:${port}` }, /^Temporal at 127\.0\.0\.1:\d+ .* is not usable/],
        [{ MUSTER_DATABASE_URL: `postgres://m@127.0.0.1:${port}/m` }, /^PostgreSQL at .* is not usable/],
        [
          { MUSTER_DATABASE_OWNER_URL: `postgres://m@127.0.0.1:${port}/m` },
          /step "migrations" failed: .*run `muster up` again\./,
        ],
      ];
      for (const [faulty, says] of broken) {
        const { exitCode, stdout, stderr } = await run(['up', '--json'], { environment: faulty });

        assert.equal(exitCode, 1);
        const [report] = jsonLines(stdout) as { ready: boolean }[];
        assert.equal(report?.ready, false);
        const { error } = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '');
        assert.match(error.message, says);
      }
    });

    it('finds a schema that was changed by hand, and names the change', async () => {
      await withPostgresql(superuserUrl(muster), (client) => client.query('alter table muster.tasks add by_hand text'));

      const { exitCode, stdout, stderr } = await run(['status']);

      assert.equal(exitCode, 1);
      assert.match(stdout, /^NO {2}schema: .*\n.*by_hand/m);
      assert.match(stderr, /^muster: Not ready: schema\./);
    });
  });
});

interface ShownTask {
  task: { id: string; status: string; priority: string };
  traces: {
    id: string;
    status: string;
    runs: Record<string, unknown>[];
    events: { seq: number; type: string; nodeId: string | null }[];
  }[];
  output: unknown;
}

function superuserUrl({ stack, databaseUrl }: MusterUnderTest): string {
  const url = new URL(stack.superuserUrl);
  url.pathname = new URL(databaseUrl).pathname;
  return url.toString();
}

/** How many rows a submit could have left, in every table that it writes. */
function countRows(muster: MusterUnderTest): Promise<unknown> {
  return withPostgresql(superuserUrl(muster), async (client) => {
    const tables = ['tasks', 'outbox', 'tenants', 'artifacts', 'audit_log'];
    const counts = tables.map((table) => `(select count(*)::int from muster.${table}) as ${table}`);
    const { rows } = await client.query(`select ${counts.join(', ')}`);
    return rows[0];
  });
}

/** A port on which nothing listens. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
