import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineAgent, defineGraph, type TaskHandle } from '../../../index.ts';
import { eventually } from '../../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { behindTheBack } from '../acceptance/database.ts';
import { ended } from '../acceptance/views.ts';

let hold: Promise<void> | null = null;

const number = z.object({ n: z.number() });
const slow = defineAgent({
  ...{ name: 'verify-slow', input: number, output: number },
  handle: async ({ n }) => {
    await hold;
    if (n < 0) throw Object.assign(new Error('negative'), { retryable: false });
    return { n: n + 1 };
  },
});
const quick = defineAgent({
  ...{ name: 'verify-quick', input: number, output: number, quick: true },
  handle: ({ n }) => ({ n }),
});
const inner = defineGraph({
  name: 'verify-inner',
  input: z.object({ item: z.number() }),
  nodes: { one: { agent: slow, input: { n: '/task/item' } }, two: { agent: quick, input: { n: '/nodes/one/n' } } },
  output: '/nodes/two',
});
const verified = defineGraph({
  name: 'verified',
  input: z.object({ n: z.number(), items: z.array(z.number()) }),
  nodes: {
    first: { agent: quick, input: { n: '/task/n' } },
    is: { condition: { pointer: '/nodes/first/n', is: 'gt', value: 0 } },
    all: { each: inner, items: '/task/items', when: { is: 'true' } },
    last: { agent: slow, input: { n: '/nodes/first/n' }, afterAny: ['all'] },
  },
  output: '/nodes/last',
});
const swift = defineGraph({
  name: 'verify-swift',
  input: number,
  nodes: { first: { agent: quick, input: { n: '/task/n' } } },
  output: '/nodes/first',
});

describe('the rows of a trace beside the history of its workflow', function () {
  this.timeout(180_000);
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('verify');
    await muster.work({ graphs: [verified, swift] });
  });
  after(() => muster?.close());
  beforeEach(() => {
    hold = null;
  });

  const verify = ({ id }: Pick<TaskHandle, 'id'>) => muster.client.operations.tasks.verify({ id });
  const finished = async (input: object) => {
    const task = await muster.client.submit('verified', input as never);
    await ended(task);
    return task;
  };
  const damage = (task: TaskHandle, statement: string) =>
    behindTheBack(muster, statement.replace('TRACE', '(select id from muster.agent_traces where task_id = $1)'), [
      task.id,
    ]);

  it('R007: agree, whether it completed, failed or was cancelled', async () => {
    for (const input of [
      { n: 1, items: [1, 2, 3] },
      { n: 0, items: [1] },
      { n: 2, items: [1, -1, 2] },
      { n: -1, items: [] },
    ]) {
      const view = await verify(await finished(input));
      assert.deepEqual([view.gaps, view.history], [[], 'own'], JSON.stringify(input));
      assert.ok(view.runs >= 4);
    }
    const gate = Promise.withResolvers<void>();
    hold = gate.promise;
    const task = await muster.client.submit('verified', { n: 1, items: [1, 2, 3] });
    await eventually(async () => assert.equal((await verify(task)).runs, 2));
    assert.deepEqual((await verify(task)).gaps, []);
    await task.cancel();
    gate.resolve();
    await ended(task);
    assert.deepEqual((await verify(task)).gaps, []);
  });

  it('R008: have a gap where a row was taken away, changed or added', async () => {
    const missing = await finished({ n: 1, items: [1, 2] });
    await damage(missing, "delete from muster.agent_runs where node_id = 'all[1]/one' and trace_id = TRACE");
    assert.deepEqual(
      (await verify(missing)).gaps.map(({ kind, path }) => [kind, path]),
      [['run_missing', 'all[1]/one']],
    );

    const changed = await finished({ n: 1, items: [] });
    await damage(
      changed,
      "update muster.agent_runs set status = 'fatal_error' where node_id = 'last' and trace_id = TRACE",
    );
    assert.deepEqual(
      (await verify(changed)).gaps.map(({ kind, path }) => [kind, path]),
      [
        ['run_differs', 'last'],
        ['events', 'last'],
      ],
    );

    const added = await finished({ n: 1, items: [1] });
    await damage(
      added,
      `insert into muster.agent_runs (id, tenant_id, trace_id, node_id, agent, kind, status, attempts, finished_at)
        select gen_random_uuid(), tenant_id, trace_id, 'all[7]/one', agent, kind, status, 1, finished_at
        from muster.agent_runs where node_id = 'all[0]/one' and trace_id = TRACE`,
    );
    assert.ok((await verify(added)).gaps.some(({ kind, path }) => kind === 'run_surplus' && path === 'all[7]/one'));

    const silent = await finished({ n: 1, items: [] });
    await damage(
      silent,
      "delete from muster.trace_events where type = 'run.completed' and node_id = 'last' and trace_id = TRACE",
    );
    assert.ok((await verify(silent)).gaps.every(({ kind }) => kind === 'events'));
    assert.equal((await verify(silent)).agrees, false);
  });

  it('R009: have a gap where the workflow was terminated, and where the status was changed', async () => {
    const gate = Promise.withResolvers<void>();
    hold = gate.promise;
    const task = await muster.client.submit('verified', { n: 1, items: [1] });
    await eventually(async () => assert.equal((await verify(task)).runs, 2));
    const temporal = await muster.temporal();
    await temporal.workflow.getHandle(task.workflowId).terminate('behind our back');
    const { gaps } = await verify(task);
    gate.resolve();

    assert.deepEqual(gaps, [
      { kind: 'status', path: null, message: 'The trace is running, and its workflow terminated.' },
    ]);

    const other = await finished({ n: 1, items: [] });
    await behindTheBack(muster, "update muster.agent_traces set status = 'failed' where task_id = $1", [other.id]);
    assert.ok((await verify(other)).gaps.some(({ kind }) => kind === 'status'));
  });

  it('R010: are compared every night, a sample of the day; a gap has a row in the audit log', async () => {
    const task = await finished({ n: 1, items: [1] });
    await damage(task, "delete from muster.agent_runs where node_id = 'last' and trace_id = TRACE");
    await behindTheBack(
      muster,
      "update muster.agent_traces set finished_at = now() - interval '1 hour' where task_id = $1",
      [task.id],
    );
    const temporal = await muster.temporal();
    const { taskQueue } = muster;

    const options = { taskQueue, workflowId: `verify-${task.id}`, args: [] };
    const report = await temporal.workflow.execute('verifyTraces', options);

    assert.deepEqual(report, { verified: 1, withGaps: 1 });
    const rows = await behindTheBack<{ details: { gaps: number } }>(
      muster,
      "select details from muster.audit_log where action = 'trace.gap_found' and subject_id = $1",
      [task.id],
    );
    assert.deepEqual(
      rows.map(({ details }) => details.gaps),
      [1],
    );
  });

  it('are compared with the shared execution that carries the task', async () => {
    const tasks = await muster.client.submitMany(
      'verify-swift',
      Array.from({ length: 60 }, (_, n) => ({ input: { n } })),
    );
    await Promise.all(tasks.map(ended));

    const views = await Promise.all(tasks.map(verify));

    assert.deepEqual(
      views.flatMap(({ gaps }) => gaps),
      [],
    );
    assert.ok(
      views.some(({ history }) => history === 'shared'),
      'expected some to share an execution',
    );
    const shared = views.findIndex(({ history }) => history === 'shared');
    const carrier = views.findLastIndex(({ history }) => history === 'own');
    if (carrier < 0) return;
    await behindTheBack(
      muster,
      'update muster.agent_traces set carried_by = (select carried_by from muster.agent_traces where task_id = $2) where task_id = $1',
      [tasks[carrier]?.id, tasks[shared]?.id],
    );
    assert.deepEqual(
      (await verify(tasks[carrier] as TaskHandle)).gaps.map(({ kind }) => kind),
      ['not_carried'],
    );
  });
});
