import assert from 'node:assert/strict';
import { connect, type TaskHandle } from '../../../index.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { query } from '../../support/query.ts';
import { ended } from '../acceptance/views.ts';
import { startCommitCutter } from '../faults/commit-cutter.ts';
import { before as behaviours, carriedOut, graphs } from './fork-graphs.ts';

describe('what a fork keeps', () => {
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('fork kept');
    await muster.work({ graphs });
  });
  after(() => muster?.close());
  beforeEach(() => {
    carriedOut.length = 0;
    behaviours.clear();
  });

  const done = async (graph: string) => {
    const task = await muster.client.submit(graph, {});
    await ended(task);
    return task;
  };
  const forkOf = async (task: TaskHandle, at: string, how: Parameters<TaskHandle['fork']>[1] = {}) => {
    const fork = await task.fork(at, how);
    await ended(fork.task as TaskHandle);
    return fork;
  };

  it('finds it under its key when the task that it was made of is gone', async () => {
    const task = await done('fork-chain');
    const fork = await forkOf(task, 'second', { key: 'later' });
    await query(muster, 'delete from muster.tasks where id = $1', [task.id]);

    const again = await task.fork('second', { key: 'later' });

    assert.deepEqual([again.taskId, again.duplicate], [fork.taskId, true]);
    assert.deepEqual([again.takenOver.toSorted(), again.origin], [['aside', 'first'], fork.origin]);
    await assert.rejects(task.fork('third', { key: 'later' }), { code: 'idempotency_conflict' });
    await assert.rejects(task.fork('second'), { code: 'task_unknown' });
  });

  it('is one task, without a key too, when answers to its COMMIT are lost', async () => {
    const task = await done('fork-quick-only');
    const url = new URL(muster.databaseUrl);
    const cutter = await startCommitCutter(Number(url.port));
    url.port = String(cutter.port);
    const client = await connect({ environment: { ...muster.environment, MUSTER_DATABASE_URL: url.toString() } });
    cutter.cutEvery(2);

    const forks = [];
    for (let call = 0; call < 8; call += 1) forks.push(await client.task(task.id).fork('two'));
    cutter.cutEvery(0);
    await client.close();
    await cutter.close();

    assert.ok(cutter.lostAnswers >= 2, `only ${cutter.lostAnswers} answers were lost`);
    const made = (await task.show()).forks.map(({ taskId }) => taskId);
    assert.deepEqual(made.toSorted(), forks.map(({ taskId }) => taskId).toSorted());
    assert.ok(forks.every(({ duplicate, again }) => !duplicate && again.length === 1));
    const views = await Promise.all(made.map((id) => ended(muster.client.task(id))));
    assert.ok(views.every(({ task: { status } }) => status === 'completed'));
  });

  it('is needed for a redrive: one of which retention has removed it is refused, and others are not', async () => {
    const task = await done('fork-chain');
    behaviours.set('second', async () => {
      throw new Error('not now');
    });
    const [pruned, whole] = [await forkOf(task, 'second'), await forkOf(task, 'second')];
    behaviours.clear();
    await query(
      muster,
      `delete from muster.agent_runs where node_id = 'first' and taken_from is not null
        and trace_id = (select next_trace_id from muster.task_forks where task_id = $1)`,
      [pruned.taskId],
    );
    carriedOut.length = 0;

    const ids = [pruned.taskId as string, whole.taskId as string];
    await assert.rejects(muster.client.redrive(ids[0] as string), {
      ...{ code: 'trace_pruned', message: /is failed, and retention has removed its runs/ },
    });
    const { tasks } = await muster.client.redrive(ids);
    await ended(whole.task as TaskHandle);

    assert.deepEqual(
      tasks.map(({ outcome }) => outcome),
      ['trace_pruned', 'redriven'],
    );
    assert.deepEqual([carriedOut, (await pruned.task?.read())?.status], [['second', 'third'], 'failed']);
  });

  it('is there once, however often it is redriven before it begins, and goes with it', async () => {
    const alone = await openMuster('fork kept alone');
    const worker = await alone.work({ graphs });
    const task = await alone.client.submit('fork-chain', {});
    await ended(task);
    await worker.stop();
    const { taskId, origin } = await task.fork('second');
    const countOf = async (table: string, where: string) =>
      (await query<{ n: number }>(alone, `select count(*)::int as n from muster.${table} where ${where}`))[0]?.n ?? 0;
    const [kept] = await query<{ trace: string }>(
      alone,
      'select next_trace_id as trace from muster.task_forks where task_id = $1',
      [taskId],
    );
    const itsEvents = () => countOf('trace_events', `trace_id = '${kept?.trace}'`);
    const copies = () => countOf('agent_runs', `taken_from = '${origin.traceId}'`);
    const before = [await copies(), (await itsEvents()) > 0];
    await query(
      alone,
      `update muster.tasks set status = 'failed', completed_at = now(), dead_lettered_at = now(),
        dead_letter_reason = 'start_refused' where id = $1`,
      [taskId],
    );

    await alone.client.redrive(taskId as string);
    const redriven = [await copies(), (await itsEvents()) > 0];
    await query(alone, 'delete from muster.tasks where id = $1', [taskId]);
    const after = [await copies(), (await itsEvents()) > 0];
    await alone.close();

    assert.deepEqual(
      [before, redriven, after],
      [
        [2, true],
        [2, true],
        [0, false],
      ],
    );
  });
});
