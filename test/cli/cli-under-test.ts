import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { HostedCommands } from './hosted-commands.ts';
import { type CliOptions, type CliResult, jsonLines, type RunningCli, startCli } from './run-cli.ts';

/** How long a process may take to be ready on a busy machine. */
export const STARTS_WITHIN = { withinMs: 60_000 };
/** Commands that change their process, so that the next command would not find it as new. */
const CHANGING = ['start', 'worker'];
const USER_AGENTS = 'test/cli/fixtures/user-agents.ts';

/** What `submit` prints with `--json`. */
export interface Submitted {
  taskId: string;
  workflowId: string;
  status: string;
  duplicate: boolean;
  output?: unknown;
}

/** What the tests read of what `show` prints with `--json`. */
export interface ShownTask {
  task: { id: string; status: string; priority: string };
  traces: {
    id: string;
    status: string;
    runs: Record<string, unknown>[];
    events: { seq: number; type: string; nodeId: string | null }[];
  }[];
  output: unknown;
}

/** The command line on a prepared Muster of a test's own. */
export class CliUnderTest {
  readonly muster: MusterUnderTest;
  /** For the test's files; commands do not run in it. */
  readonly folder: string;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #hosted = new HostedCommands();
  readonly #workers: RunningCli[] = [];

  static async open(title: string): Promise<CliUnderTest> {
    const cli = new CliUnderTest(await openMuster(title), mkdtempSync(join(tmpdir(), 'muster-cli-')));
    const { exitCode, stderr } = await cli.run(['up']);
    if (exitCode !== 0) await cli.close();
    assert.equal(exitCode, 0, stderr);
    return cli;
  }

  private constructor(muster: MusterUnderTest, folder: string) {
    this.muster = muster;
    this.folder = folder;
    this.#environment = { ...muster.environment, MUSTER_STATE_DIR: join(folder, 'state') };
  }

  /** Starts a command in a process of its own. */
  start(args: readonly string[], options: CliOptions = {}): RunningCli {
    return startCli(args, { ...options, environment: { ...this.#environment, ...options.environment } });
  }

  /** Runs a command to its end: in the shared process if the command only reads and changes nothing of its process. */
  run(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    const isAlone = CHANGING.includes(args[0] ?? '') || args.includes('-') || options.cwd !== undefined;
    if (isAlone) return this.start(args, options).ended;
    return this.#hosted.run(args, { environment: { ...this.#environment, ...options.environment } });
  }

  /** Runs a command that has to succeed and reads the one value that it prints with `--json`. */
  async ask<Answer>(args: readonly string[], options: CliOptions = {}): Promise<Answer> {
    const { exitCode, stdout, stderr } = await this.run([...args, '--json'], options);
    assert.equal(exitCode, 0, stderr);
    const [answer, ...others] = jsonLines(stdout);
    assert.equal(others.length, 0, stdout);
    return answer as Answer;
  }

  /** Runs a command that has to fail with one sentence on standard error and nothing else. */
  async fails(args: readonly string[], says: RegExp, exitCode = 1): Promise<void> {
    const result = await this.run(args);
    assert.equal(result.exitCode, exitCode, result.stderr);
    assert.equal(result.stdout, '');
    assert.match(result.stderr, says);
    assert.equal(result.stderr.trimEnd().split('\n').length, 1, result.stderr);
  }

  submit(graph: string, ...args: string[]): Promise<Submitted> {
    return this.ask<Submitted>(['submit', graph, ...args]);
  }

  /** Writes a file into the test's folder and returns its path. */
  file(name: string, content: string | Uint8Array): string {
    const path = join(this.folder, name);
    writeFileSync(path, content);
    return path;
  }

  /** Starts a worker that hosts the module of a user; it is ready when the promise resolves. */
  async startWorker(): Promise<RunningCli> {
    const worker = this.start(['worker', '--agents', USER_AGENTS, '--json']);
    this.#workers.push(worker);
    await eventually(() => {
      assert.equal(worker.child.exitCode, null, worker.stderr());
      return worker.stdout().includes('\n');
    }, STARTS_WITHIN);
    return worker;
  }

  /** Runs a statement behind the program's back, where no policy hides a row. */
  query(statement: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    const url = new URL(this.muster.stack.superuserUrl);
    url.pathname = new URL(this.muster.databaseUrl).pathname;
    return withPostgresql(url.toString(), async (client) => (await client.query(statement, values)).rows);
  }

  /** How many rows there are in every table that a submit writes. */
  async countRows(): Promise<unknown> {
    const tables = ['tasks', 'outbox', 'tenants', 'artifacts', 'audit_log'];
    const counts = tables.map((table) => `(select count(*)::int from muster.${table}) as ${table}`);
    return (await this.query(`select ${counts.join(', ')}`))[0];
  }

  /** Until no task waits or runs and everything that was to be sent is sent. */
  untilIdle(): Promise<unknown> {
    const open = `select 1 from muster.tasks where status not in ('completed', 'failed', 'cancelled')
      union all select 1 from muster.outbox where sent_at is null`;
    return eventually(async () => (await this.query(open)).length === 0, STARTS_WITHIN);
  }

  untilStatus(taskId: string, status: string): Promise<unknown> {
    const look = async () => assert.equal((await this.muster.client.task(taskId).read()).status, status);
    return eventually(look, STARTS_WITHIN);
  }

  async close(): Promise<void> {
    for (const worker of this.#workers) worker.child.kill('SIGTERM');
    await Promise.all([...this.#workers.map((worker) => worker.ended), this.#hosted.close()]);
    await this.muster.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A port on which nothing listens. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
