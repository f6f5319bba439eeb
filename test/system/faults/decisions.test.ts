import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { taskWorkflowId } from '../../../domain/tasks/execution.ts';
import { ApprovalsBed } from '../../operations/approvals-bed.ts';
import { bareEnvironment } from '../../support/bare-environment.ts';
import { eventually } from '../../support/eventually.ts';
import { startProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { scriptedGraphs } from '../acceptance/graphs.ts';
import { Gate, Script } from '../acceptance/script.ts';

const CLI = fileURLToPath(new URL('../../../cli.ts', import.meta.url));

describe('a decision on a call', function () {
  this.timeout(180_000);
  const script = new Script();
  const gate = new Gate();
  let bed: ApprovalsBed;
  let silent: TcpProxy;

  before(async () => {
    bed = await ApprovalsBed.open('decisions under faults');
    script.on('work', gate.pass);
    await bed.muster.work({ graphs: [scriptedGraphs(script).single] });
    await bed.allow({ approval: true });
    const port = Number(bed.muster.environment.TEMPORAL_ADDRESS?.split(':').at(-1));
    silent = await startProxy({ targetPort: port, mode: 'blackHole' });
  });
  after(async () => {
    gate.open();
    await silent?.close();
    await bed?.close();
  });

  /** A task that runs, with a call that waits for a person. */
  const waiting = async () => {
    const task = await bed.muster.client.submit('single', {});
    await eventually(() =>
      assert.equal(
        script.callsOf('work').some(({ taskId }) => taskId === task.id),
        true,
      ),
    );
    const [trace] = await bed.query<{ id: string }>(`select id from muster.agent_traces where task_id = '${task.id}'`);
    const [row] = await bed.query<{ graph_id: string; fence: string }>(
      `select graph_id, fence from muster.tasks where id = '${task.id}'`,
    );
    const ref = { taskId: task.id, traceId: trace?.id, graphId: row?.graph_id, fence: Number(row?.fence) };
    const execution = { tenant: 'default', traceNumber: 1, user: null, ...ref } as never;
    return { taskId: task.id, id: await bed.asked(execution, { path: 'work' }) };
  };

  /** A person's terminal, which can reach PostgreSQL and whose calls to Temporal are never answered. */
  const approving = (id: string): ChildProcess =>
    fork(CLI, ['approve', id], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: { ...bareEnvironment(), ...bed.muster.environment, TEMPORAL_ADDRESS: `127.0.0.1:${silent.port}` },
      stdio: 'ignore',
    });

  const signalsOf = async (taskId: string) => {
    const { workflow } = await bed.muster.temporal();
    const { events } = await workflow.getHandle(taskWorkflowId(taskId as never, 1)).fetchHistory();
    return (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) =>
      signal?.signalName === 'approvalDecided'
        ? [JSON.parse(Buffer.from(signal.input?.payloads?.[0]?.data ?? []).toString('utf8'))]
        : [],
    );
  };

  it('reaches its task although its process is killed before it has told anybody', async () => {
    const { taskId, id } = await waiting();
    const task = bed.muster.client.task(taskId);
    const { causes } = await task.why();
    assert.deepEqual(
      causes.map(({ kind, path, waitsFor }) => [kind, path, waitsFor]),
      [['approval', 'work', `a person: triage wants to call refund (approval ${id})`]],
    );
    const terminal = approving(id);
    const ended = once(terminal, 'exit');

    await eventually(
      async () => {
        const rows = await bed.query(`select state from muster.approvals where id = '${id}'`);
        assert.deepEqual(rows, [{ state: 'approved' }]);
      },
      { withinMs: 60_000 },
    );
    terminal.kill('SIGKILL');
    await ended;
    const after = await task.why();
    assert.deepEqual(
      after.causes.map(({ kind }) => kind),
      ['handler'],
    );

    await eventually(async () => assert.deepEqual(await signalsOf(taskId), [id]), { withinMs: 20_000 });
  });

  it('is made and reaches its task although Redis lost everything while the call waited', async () => {
    const { taskId, id } = await waiting();
    await bed.flushRedis();

    await bed.approve(id);

    await eventually(async () => assert.deepEqual([...new Set(await signalsOf(taskId))], [id]), { withinMs: 20_000 });
  });
});
