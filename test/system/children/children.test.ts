import assert from 'node:assert/strict';
import type { TaskHandle } from '../../../index.ts';
import { eventually } from '../../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { WorkerProcess } from '../../support/worker-process.ts';
import { behindTheBack } from '../acceptance/database.ts';
import { ended, runOf } from '../acceptance/views.ts';
import { calls, graphs } from './parents.ts';

/** A task that a run of another one waits for, or waited for. */
interface ChildRow {
  readonly id: string;
  readonly graph: string;
  readonly status: string;
  readonly priority: number;
  readonly state: string;
}

const CHILDREN = `select t.id, t.graph_name as graph, t.status, t.priority, w.state
  from muster.run_waits w join muster.tasks t on t.id = w.id
  where w.kind = 'child' and w.task_id = $1 order by w.created_at`;

describe('a graph that a node runs as a task of its own', function () {
  this.timeout(120_000);
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('children');
    await muster.work({ graphs });
  });
  after(() => muster?.close());

  const submit = (graph: string, input = {}) => muster.client.submit(graph, input);
  const childrenOf = ({ id }: { readonly id: string }) => behindTheBack<ChildRow>(muster, CHILDREN, [id]);
  const childOf = async (task: { readonly id: string }, status?: string) =>
    eventually(
      async () => {
        const [child] = await childrenOf(task);
        assert.ok(child !== undefined);
        if (status !== undefined) assert.equal(child.status, status);
        return child;
      },
      { withinMs: 20_000 },
    );
  const isStatus = (id: string, status: string) =>
    eventually(async () => assert.equal((await muster.client.task(id).read()).status, status), { withinMs: 20_000 });
  /** The task of a node of an inner graph, and the one for which that waits. */
  const below = async (task: TaskHandle) => {
    const child = await childOf(task, 'waiting_input');
    return [child, await childOf(child, 'waiting_input')] as const;
  };

  it('has its output become that of the node, the priority of its parent, and names it', async () => {
    const task = await muster.client.submit('family', { n: 1 }, { priority: 'high' });
    const view = await ended(task);

    const [child] = await childrenOf(task);
    assert.deepEqual(view.output, { n: 3 });
    assert.equal(runOf(view, 'child').status, 'ok');
    assert.deepEqual([child?.graph, child?.status, child?.state], ['child-counting', 'completed', 'answered']);
    const shown = await muster.client.task(child?.id ?? '').show();
    assert.equal(shown.task.priority, 'high');
    assert.deepEqual(shown.parent, { taskId: task.id, path: 'child' });
  });

  it('fails the node when it fails, and says how', async () => {
    const task = await submit('unlucky');
    const { error } = (await ended(task)).task;

    const [child] = await childrenOf(task);
    assert.equal(error?.code, 'child_failed');
    assert.match(
      error?.message ?? '',
      new RegExp(`The task ${child?.id}, which ran child, failed: handler_failed: It never works`),
    );
  });

  it('fails the node when it cannot be submitted', async () => {
    const { error } = (await ended(await submit('mistaken', { n: 'one' }))).task;

    assert.equal(error?.code, 'input_invalid');
  });

  it('is told of by `why`, and its task holds no place meanwhile', async () => {
    const task = await submit('patient');
    const [child, listener] = await below(task);
    await isStatus(task.id, 'waiting_input');

    const { causes } = await task.why();
    assert.deepEqual(
      causes.map(({ kind, path, tasks }) => [kind, path, tasks]),
      [['child', 'inner/child', [child.id]]],
    );
    await muster.client.task(listener.id).send('told', 'at last');
    assert.equal((await ended(task)).output, 'at last');
  });

  it('ends with its parent, at any depth, whether that is cancelled, killed, or misses its deadline', async () => {
    const endings: Record<string, (task: TaskHandle) => Promise<unknown>> = {
      cancelled: (task) => task.cancel(),
      killed: (task) => task.kill(),
      late: async () => undefined,
    };
    for (const [how, end] of Object.entries(endings)) {
      const deadline = how === 'late' ? { deadlineAt: new Date(Date.now() + 8_000) } : {};
      const task = await muster.client.submit('patient', {}, deadline);
      const both = await below(task);

      await end(task);

      for (const { id } of both) await isStatus(id, 'cancelled');
    }
  });

  it('pauses and continues with its parent', async () => {
    const task = await submit('patient');
    const [child, listener] = await below(task);

    await task.pause();
    for (const { id } of [task, child, listener]) await isStatus(id, 'paused');
    await task.resume();
    for (const { id } of [task, child, listener]) await isStatus(id, 'waiting_input');

    await muster.client.task(listener.id).send('told', 1);
    assert.equal((await ended(task)).output, 1);
  });

  it('is taken over by a redrive once it has completed', async () => {
    calls.count = 0;
    const task = await submit('retried', { n: 1 });
    assert.equal((await ended(task)).task.status, 'failed');

    await muster.client.redrive(task.id);
    const view = await ended(task);

    assert.deepEqual([view.output, calls.count], [{ n: 2 }, 1]);
    assert.equal((await childrenOf(task)).length, 1);
  });

  it('that runs itself is stopped, and the reason is handed up', async () => {
    const { error } = (await ended(await submit('endless'))).task;

    assert.equal(error?.code, 'child_failed');
    assert.match(
      error?.message ?? '',
      /child_too_deep: The child task was not started: it would have 8 tasks above it/,
    );
  });
});

describe('a worker that dies between the end of a child and what its parent is told', function () {
  this.timeout(120_000);
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('children dying');
  });
  after(() => muster?.close());

  it('leaves that to the next one, and the child runs once', async () => {
    const module = new URL('./parents.ts', import.meta.url).pathname;
    const start = (failpoints: string) =>
      WorkerProcess.start({ environment: muster.environment, module, failpoints, folder: muster.stack.folder });
    // The first stretch is the child's: its parent begins with a node that waits.
    const dying = await start('after_stretch_before_report:kill');
    const task = await muster.client.submit('family', { n: 1 });
    assert.equal((await dying.ended).signal, 'SIGKILL');
    const [child] = await behindTheBack<ChildRow>(muster, CHILDREN, [task.id]);
    assert.deepEqual([child?.status, child?.state], ['completed', 'waiting']);

    const next = await start('');
    const view = await ended(task);
    await next.close();

    assert.deepEqual(view.output, { n: 3 });
    assert.equal(runOf(view, 'child').attempts, 1);
    assert.equal((await behindTheBack<ChildRow>(muster, CHILDREN, [task.id])).length, 1);
  });
});
