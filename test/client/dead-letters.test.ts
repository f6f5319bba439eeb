import assert from 'node:assert/strict';
import { connect } from '../../index.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { failForGood, Gate, Script } from '../system/acceptance/script.ts';
import { ended, runOf } from '../system/acceptance/views.ts';

describe('a task that failed', () => {
  const script = new Script();
  const graphs = scriptedGraphs(script);
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('dead letters');
    await muster.work({ graphs: Object.values(graphs) });
  });
  after(() => muster?.close());
  beforeEach(() => script.reset());

  const query = (statement: string, values: unknown[] = []) => queryAll(muster, statement, values);
  const submit = (graph: keyof typeof graphs, options = {}) =>
    muster.client.submit(graphs[graph].definition.name, {}, options);

  /** A task whose only node has failed for good. */
  const dead = async (graph: 'single' | 'chain' = 'single', options = {}) => {
    script.on('work', failForGood).on('first', failForGood);
    const task = await submit(graph, options);
    const view = await ended(task);
    assert.equal(view.task.status, 'failed');
    return { task, view };
  };

  it('is dead-lettered with cause, node, trace and attempts', async () => {
    const since = new Date(Date.now() - 60_000);
    const { task, view } = await dead('single', { user: 'ada', key: 'dead-1', priority: 'low' });

    const letter = (await muster.client.dead({ since })).find(({ taskId }) => taskId === task.id);

    assert.deepEqual(
      { ...letter, createdAt: null, deadAt: null },
      {
        taskId: task.id,
        tenant: 'default',
        graph: 'single',
        title: 'single',
        priority: 'low',
        user: 'ada',
        key: 'dead-1',
        reason: 'handler_failed',
        error: { code: 'handler_failed', message: 'This cannot work, however often it is tried.', node: 'work' },
        node: 'work',
        attempts: 1,
        traceId: view.traces[0]?.id,
        originTraceId: null,
        traceCount: 1,
        createdAt: null,
        deadAt: null,
      },
    );
    assert.deepEqual(letter?.deadAt, view.task.completedAt);
  });

  it('is not dead when it was cancelled or completed', async () => {
    const gate = new Gate();
    script.on('work', gate.pass);
    const cancelled = await submit('single');
    await eventually(() => script.callsOf('work').length > 0);
    await cancelled.cancel();
    await ended(cancelled);
    script.reset();
    const completed = await submit('single');
    await completed.result();

    const ids = (await muster.client.dead({ limit: 500 })).map(({ taskId }) => taskId);

    for (const { id } of [cancelled, completed]) {
      assert.ok(!ids.includes(id));
      await assert.rejects(muster.client.redrive(id), { code: 'task_not_dead' });
    }
  });

  it('opens a new trace after a redrive that names the old one as its origin, and keeps what the old one left', async () => {
    const { task, view: before } = await dead('chain');
    script.reset();

    const report = await muster.client.redrive(task.id);
    const after = await ended(task);

    const [first, second] = after.traces;
    assert.deepEqual(report, {
      dryRun: false,
      tasks: [{ taskId: task.id, outcome: 'redriven', originTraceId: first?.id }],
    });
    assert.equal(after.task.status, 'completed');
    assert.deepEqual(after.output, { node: 'second' });
    assert.deepEqual(first, before.traces[0]);
    assert.deepEqual([second?.number, second?.originTraceId, first?.originTraceId], [2, first?.id, null]);
    assert.equal(runOf(after, 'first').attempts, 1);
    assert.deepEqual(
      (await muster.client.dead({ limit: 500 })).filter(({ taskId }) => taskId === task.id),
      [],
    );
  });

  it('dies again with another letter when nothing was repaired', async () => {
    const { task } = await dead();

    await muster.client.redrive(task.id);
    const view = await ended(task);

    assert.equal(view.traces.length, 2);
    const letter = (await muster.client.dead()).find(({ taskId }) => taskId === task.id);
    assert.deepEqual(
      [letter?.traceCount, letter?.traceId, letter?.originTraceId],
      [2, view.traces[1]?.id, view.traces[0]?.id],
    );
  });

  it('is redriven once, however many ask at once, and says so in the audit log with the old trace', async () => {
    const { task, view } = await dead();
    script.reset();

    const answers = await Promise.allSettled(Array.from({ length: 5 }, () => muster.client.redrive(task.id)));
    const after = await ended(task);

    assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const answer of answers) {
      if (answer.status === 'rejected') assert.equal(answer.reason.code, 'task_not_dead');
    }
    assert.equal(after.traces.length, 2);
    const audited = await query(
      "select details from muster.audit_log where action = 'task.redriven' and subject_id = $1",
      [task.id],
    );
    assert.deepEqual(audited, [{ details: { trace: view.traces[0]?.id, reason: 'handler_failed', effects: 'keep' } }]);
  });

  it('is left as it is by a dry run', async () => {
    const { task, view } = await dead();

    const report = await muster.client.redrive(task.id, { dryRun: true });

    assert.deepEqual(report, {
      dryRun: true,
      tasks: [{ taskId: task.id, outcome: 'redrivable', originTraceId: view.traces[0]?.id }],
    });
    assert.deepEqual((await task.show()).task, view.task);
  });

  it('is redriven with all others of its graph and time', async () => {
    const others = await dead('chain');
    const { task: early } = await dead();
    await query("update muster.tasks set dead_lettered_at = now() - interval '2 hours' where id = $1", [early.id]);
    const { task } = await dead();
    script.reset();
    const since = new Date(Date.now() - 3_600_000);

    const limited = await muster.client.redrive({ all: true, graph: 'single', since, limit: 1 }, { dryRun: true });
    const { tasks } = await muster.client.redrive({ all: true, graph: 'single', since });
    const again = await muster.client.redrive({ all: true, graph: 'single', since });

    assert.equal(limited.tasks.length, 1);
    const ids = tasks.map(({ taskId }) => taskId);
    assert.ok(ids.includes(task.id) && !ids.includes(early.id) && !ids.includes(others.task.id));
    assert.deepEqual(again.tasks, []);
    assert.equal((await ended(task)).task.status, 'completed');
    assert.equal((await others.task.read()).status, 'failed');
  });

  it('is one of many that are redriven page by page, each once', async () => {
    const { task } = await dead();
    await query(
      `insert into muster.tasks (id, tenant_id, graph_id, graph_name, task_queue, title, request_hash, status, completed_at,
         dead_lettered_at, dead_letter_reason)
       select gen_random_uuid(), tenant_id, graph_id, 'many', 'nowhere', title, request_hash, status, completed_at,
         dead_lettered_at, dead_letter_reason from muster.tasks cross join generate_series(1, 1100) where id = $1`,
      [task.id],
    );

    const first = await muster.client.redrive({ all: true, graph: 'many', limit: 1_001 });
    const rest = await muster.client.redrive({ all: true, graph: 'many' });

    assert.deepEqual([first.tasks.length, rest.tasks.length], [1_001, 99]);
    assert.equal(new Set([...first.tasks, ...rest.tasks].map(({ taskId }) => taskId)).size, 1_100);
    assert.ok([...first.tasks, ...rest.tasks].every(({ outcome }) => outcome === 'redriven'));
  });

  it('is reported with what cannot be redriven, and refused where it is the only one', async () => {
    const { task } = await dead();
    const completed = await submit('swift');
    await completed.result();
    const nobody = '019ab3c4-5d6e-7f80-9123-456789abcdef';
    script.reset();

    const { tasks } = await muster.client.redrive([nobody, task.id, completed.id, task.id]);

    assert.deepEqual(
      tasks.map(({ taskId, outcome }) => [taskId, outcome]),
      [
        [nobody, 'unknown'],
        [task.id, 'redriven'],
        [completed.id, 'not_dead'],
      ],
    );
    await assert.rejects(muster.client.redrive(nobody), { code: 'task_unknown' });
    await assert.rejects(muster.client.redrive('17'), { code: 'task_unknown' });
    await assert.rejects(muster.client.redrive(completed.id), { code: 'task_not_dead', message: /is completed; only/ });
  });

  it('takes what depends on it down with it, and back again when both are redriven', async () => {
    const gate = new Gate();
    script.on('work', async (context, input) => {
      await gate.pass(context, input);
      return failForGood(context, input);
    });
    const first = await submit('single', { user: 'chain' });
    const second = await submit('swift', { dependsOn: [first.id] });
    gate.open();
    const fallen = await ended(second);
    script.reset();

    await assert.rejects(muster.client.redrive(second.id), { code: 'dependency_failed' });
    const { tasks } = await muster.client.redrive([first.id, second.id]);
    const [cause, effect] = await Promise.all([ended(first), ended(second)]);

    assert.deepEqual([fallen.task.status, fallen.task.error?.code], ['failed', 'dependency_failed']);
    assert.deepEqual(
      tasks.map(({ outcome, originTraceId }) => [outcome, originTraceId]),
      [
        ['redriven', cause.traces[0]?.id],
        ['redriven', null],
      ],
    );
    assert.deepEqual([cause.task.status, effect.task.status], ['completed', 'completed']);
    assert.ok((cause.task.completedAt ?? 0) <= (effect.task.startedAt ?? 0));
  });

  it('is redriven by a program that cannot reach Redis, or dies right after its commit', async () => {
    const { task } = await dead();
    const { task: other } = await dead();
    script.reset();
    const environment = { ...muster.environment, MUSTER_REDIS_URL: 'redis://127.0.0.1:1' };
    const lonely = await connect({ environment });

    const { tasks } = await lonely.redrive([task.id, other.id]);
    await lonely.close();
    const [one, two] = await Promise.all([ended(task), ended(other)]);

    assert.deepEqual(
      tasks.map(({ outcome }) => outcome),
      ['redriven', 'redriven'],
    );
    assert.deepEqual([one.task.status, two.task.status], ['completed', 'completed']);
  });

  it('stays with its tenant', async () => {
    const { task } = await dead();
    const acme = await muster.connect({ tenant: 'acme' });

    assert.deepEqual(await acme.dead(), []);
    await assert.rejects(acme.redrive(task.id), { code: 'task_unknown' });
    assert.deepEqual((await acme.redrive({ all: true })).tasks, []);
  });
});

async function queryAll(muster: MusterUnderTest, statement: string, values: unknown[]): Promise<unknown[]> {
  const url = new URL(muster.stack.superuserUrl);
  url.pathname = new URL(muster.databaseUrl).pathname;
  return withPostgresql(url.toString(), async (client) => (await client.query(statement, values)).rows);
}
