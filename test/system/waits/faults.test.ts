import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import type { TaskHandle } from '../../../index.ts';
import { bareEnvironment } from '../../support/bare-environment.ts';
import { eventually } from '../../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { type OwnTemporal, startTemporal } from '../../support/own-temporal.ts';
import { startProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { WorkerProcess } from '../../support/worker-process.ts';
import { behindTheBack } from '../acceptance/database.ts';
import { ended } from '../acceptance/views.ts';

const GRAPHS = fileURLToPath(new URL('./waiting-nodes.ts', import.meta.url));
const CLI = fileURLToPath(new URL('../../../cli.ts', import.meta.url));

/** How each of these graphs is let continue, and what it comes to then. */
const WAITS: Readonly<Record<string, { readonly graph: string; readonly output: unknown }>> = {
  approval: { graph: 'only-approving', output: true },
  message: { graph: 'paid', output: { paid: 7 } },
  event: { graph: 'any-shipped', output: 7 },
  entities: { graph: 'asking-entities', output: { order: 'A-1', count: 7, gift: null } },
};

describe('what nodes wait for, under faults', function () {
  this.timeout(300_000);
  let server: OwnTemporal;
  let muster: MusterUnderTest;
  let worker: WorkerProcess;
  let silent: TcpProxy;

  const work = (more: Record<string, string> = {}) =>
    WorkerProcess.start({ environment: muster.environment, module: GRAPHS, folder: muster.stack.folder, more });

  before(async () => {
    server = await startTemporal();
    muster = await openMuster('waits under faults', { environment: { TEMPORAL_ADDRESS: server.address } });
    worker = await work();
    silent = await startProxy({ targetPort: Number(server.address.split(':').at(-1)), mode: 'blackHole' });
  });
  after(async () => {
    await worker?.close();
    await silent?.close();
    await muster?.close();
    await server?.close();
  });

  /** One task of each kind of wait. */
  const waiting = async (): Promise<Record<string, TaskHandle>> => {
    const tasks: Record<string, TaskHandle> = {};
    for (const [kind, { graph }] of Object.entries(WAITS)) tasks[kind] = await muster.client.submit(graph, {});
    for (const [kind, task] of Object.entries(tasks)) {
      const status = kind === 'approval' ? 'waiting_approval' : 'waiting_input';
      await eventually(async () => assert.equal((await task.read()).status, status), { withinMs: 60_000 });
    }
    return tasks;
  };

  /** The terminals of people who let them continue, each of which can reach PostgreSQL and whose calls to Temporal are never answered. */
  const answering = async (tasks: Record<string, TaskHandle>): Promise<readonly ChildProcess[]> => {
    const [approval] = await muster.client.operations.approvals.list({});
    const data = (name: string, input: object) => ['call', name, '--data', JSON.stringify(input)];
    const id = (kind: string) => tasks[kind]?.id ?? '';
    const typed = [
      ['approve', approval?.id ?? ''],
      data('tasks.send', { id: id('message'), name: 'paid', data: 7 }),
      data('events.publish', { name: 'shipped', data: 7 }),
      ['answer', id('entities'), 'order=A-1', 'count:=7'],
    ];
    return typed.map((words) =>
      fork(CLI, words, {
        execArgv: ['--disable-warning=ExperimentalWarning'],
        env: { ...bareEnvironment(), ...muster.environment, TEMPORAL_ADDRESS: `127.0.0.1:${silent.port}` },
        stdio: 'ignore',
      }),
    );
  };

  /** Until every answer is in PostgreSQL; then the terminals are killed. */
  const answeredAndKilled = async (terminals: readonly ChildProcess[]) => {
    await eventually(
      async () => {
        const [row] = await behindTheBack<{ waits: number }>(
          muster,
          `select (select count(*) from muster.run_waits where state = 'waiting')::int
             + (select count(*) from muster.approvals where state = 'waiting')::int as waits`,
        );
        assert.equal(row?.waits, 0);
      },
      { withinMs: 120_000, what: 'every answer to be written' },
    );
    for (const terminal of terminals) {
      if (terminal.exitCode !== null) continue;
      const gone = once(terminal, 'exit');
      terminal.kill('SIGKILL');
      await gone;
    }
  };

  const endOnce = async (tasks: Record<string, TaskHandle>) => {
    for (const [kind, task] of Object.entries(tasks)) {
      const view = await ended(task);
      const output = kind === 'approval' ? (view.output as { approved: boolean }).approved : view.output;
      assert.deepEqual([view.task.status, output], ['completed', WAITS[kind]?.output], kind);
      const types = view.traces[0]?.events.map(({ type }) => type) ?? [];
      assert.equal(types.filter((type) => type === 'run.waits').length, 1, kind);
      assert.equal(view.traces.length, 1, kind);
    }
  };

  it('comes to each once, although who answered is killed before it has told anybody, and the worker too', async () => {
    const tasks = await waiting();
    worker.signal('SIGKILL');
    await worker.ended;

    await answeredAndKilled(await answering(tasks));
    for (const task of Object.values(tasks)) assert.match((await task.read()).status, /^waiting_/);
    worker = await work();

    await endOnce(tasks);
  });

  it('comes to each once, although Redis loses everything and Temporal is killed meanwhile', async () => {
    const tasks = await waiting();
    const redis = new Redis(muster.stack.redisUrl);
    for await (const keys of redis.scanStream({ match: `${muster.environment.MUSTER_REDIS_PREFIX}*`, count: 1_000 })) {
      if (keys.length > 0) await redis.del(...(keys as string[]));
    }
    redis.disconnect();

    await answeredAndKilled(await answering(tasks));
    await server.restart();

    await endOnce(tasks);
  });

  it('comes to one whose workflow is lost: it is started again, and waits on', async () => {
    const tasks = await waiting();
    for (const { id } of Object.values(tasks)) {
      await server.temporal.client.workflowService.deleteWorkflowExecution({
        namespace: 'default',
        workflowExecution: { workflowId: `task/${id}/1` },
      });
    }
    await behindTheBack(
      muster,
      "update muster.tasks set checked_at = now() - interval '1 day' where completed_at is null",
    );
    for (const task of Object.values(tasks)) {
      await eventually(async () => assert.ok(await task.progress()), { withinMs: 90_000, everyMs: 500 });
      assert.match((await task.read()).status, /^waiting_/);
    }

    await answeredAndKilled(await answering(tasks));

    await endOnce(tasks);
  });
});
