import assert from 'node:assert/strict';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { ActivityDependencies } from '../../activities/dependencies.ts';
import { closeExecution } from '../../activities/tasks/close-execution.ts';
import type { Transaction } from '../../database/transaction.ts';
import { startGraph } from '../../domain/graphs/graph-state.ts';
import { eventOrderFaults } from '../../domain/traces/event-order.ts';
import type { ClaimedTask } from '../../entities/tasks/claimed-task.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { NOTHING_STORED } from '../../entities/traces/artifact-repository.ts';
import { TraceRepository } from '../../entities/traces/trace-repository.ts';
import { GraphCache } from '../../operations/graphs/graph-cache.ts';
import { endFromOutside } from '../../operations/record/end-from-outside.ts';
import { Recorder } from '../../operations/record/recorder.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { eventually } from '../support/eventually.ts';
import { ScheduleBed } from './schedule-bed.ts';

const NODE = { nodeId: 'work', agent: 'slow-step', kind: 'agent' };
const WAITING = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
const DAILY = `'{"every":"daily","timezone":"UTC","anchor":"2026-01-01T09:00:00.000Z"}'`;

describe('the end of a task', () => {
  let bed: ScheduleBed;

  before(async () => {
    bed = await ScheduleBed.open('ends');
  });
  after(() => bed?.close());
  afterEach(async () => {
    await bed.stopLoops();
    await bed.tasks.asSuperuser(
      'delete from muster.outbox; delete from muster.concurrency_slots; delete from muster.tasks',
    );
  });

  const claimOne = async (assignments?: string): Promise<ClaimedTask> => {
    const [id] = await bed.tasks.insert({ user: crypto.randomUUID() });
    assert.ok(id);
    if (assignments !== undefined) await bed.set([id], assignments);
    const [task] = await bed.tasks.claim([id]);
    assert.ok(task);
    return task;
  };
  const inTenant = <Result>(work: (em: Transaction['em']) => Promise<Result>) =>
    bed.tasks.database.inTenant('default', ({ em }) => work(em));
  const begin = ({ execution }: ClaimedTask) =>
    inTenant((em) =>
      new Recorder(em).runBegan(execution, NODE, { workflowRun: 'run', activityAttempt: 1, process: 'test' }),
    );
  const cancel = ({ execution }: ClaimedTask) =>
    inTenant((em) =>
      new TaskRepository(em).cancel(execution.taskId, { actor: 'test', code: 'task_cancelled', reason: 'enough' }),
    );
  const end = ({ execution }: ClaimedTask, status: 'completed' | 'failed') => {
    const failure = status === 'failed' ? { code: 'handler_failed', message: 'no' } : null;
    const whole = { execution, status, failure, output: { json: '{"a":1}', artifactId: null }, reply: 'a' };
    return inTenant((em) => new Recorder(em).taskEnded(whole));
  };
  const rowOf = async ({ execution }: ClaimedTask) => {
    const [row] = await bed.query<Record<string, unknown>>(
      `select t.status, t.error ->> 'code' as code, t.output, t.dead_letter_reason as dead, r.status as trace,
        (select count(*)::int from muster.concurrency_slots s where s.task_id = t.id) as slots,
        (select array_agg(n.status) from muster.agent_runs n where n.trace_id = r.id) as runs
      from muster.tasks t left join muster.agent_traces r on r.task_id = t.id where t.id = $1`,
      [execution.taskId],
    );
    return row;
  };
  /** Makes these calls one after the other, while another transaction holds the task: all of them wait for it. */
  const whileHeld = ({ execution }: ClaimedTask, calls: readonly (() => Promise<unknown>)[]) =>
    withPostgresql(bed.tasks.clone.superuserUrl, async (holder) => {
      await holder.query('begin');
      await holder.query('select from muster.tasks where id = $1 for update', [execution.taskId]);
      const answers: Promise<unknown>[] = [];
      for (const call of calls) {
        answers.push(call());
        await eventually(async () => assert.equal((await bed.query(WAITING)).length, answers.length));
      }
      await holder.query('commit');
      return Promise.all(answers);
    });
  const orderFaults = async ({ execution }: ClaimedTask) =>
    eventOrderFaults(await inTenant((em) => new TraceRepository(em).events(execution.traceId, 0, 1_000)));

  it('is the cancel that was accepted before it, whatever its nodes came to, and its series ends with it', async () => {
    for (const status of ['completed', 'failed'] as const) {
      const task = await claimOne(`recurrence = ${DAILY}`);
      assert.deepEqual(await cancel(task), { ended: false });

      const standing = await end(task, status);
      const again = await end(task, status);

      assert.deepEqual(
        [standing?.status, standing?.isNew, again?.status, again?.isNew],
        ['cancelled', true, 'cancelled', false],
      );
      const { runs: _runs, ...row } = (await rowOf(task)) ?? {};
      assert.deepEqual(row, {
        ...{ status: 'cancelled', code: 'task_cancelled', output: null, dead: null, trace: 'cancelled', slots: 0 },
      });
      await bed.consequences.of([task.execution.taskId]);
      assert.deepEqual(await bed.query('select from muster.tasks where predecessor_id is not null'), []);
    }
  });

  it('comes before a cancel that came after it, and says so', async () => {
    const task = await claimOne();
    await end(task, 'completed');

    assert.equal(await cancel(task), null);
    assert.equal((await rowOf(task))?.status, 'completed');
  });

  it('is one of the two, whichever comes first, when both come at once', async () => {
    const [one, other] = [await claimOne(), await claimOne()];

    const [accepted] = await whileHeld(one, [() => cancel(one), () => end(one, 'completed')]);
    const [, refused] = await whileHeld(other, [() => end(other, 'completed'), () => cancel(other)]);

    assert.deepEqual([accepted, (await rowOf(one))?.status], [{ ended: false }, 'cancelled']);
    assert.deepEqual([refused, (await rowOf(other))?.status], [null, 'completed']);
  });

  it('is written without its workflow where that does not end it: cancelled ones and late ones, and no others', async () => {
    const cancelled = await claimOne();
    const late = await claimOne();
    const paused = await claimOne();
    const inTime = await claimOne();
    const healthy = await claimOne();
    await begin(cancelled);
    const ids = (...tasks: ClaimedTask[]) => tasks.map((task) => task.execution.taskId);
    await bed.set(ids(cancelled, paused), "cancel_requested_at = now() - interval '31 seconds'");
    await bed.set(ids(paused), "status = 'paused'");
    await bed.set(ids(late), "deadline_at = now() - interval '31 seconds'");
    await bed.set(ids(inTime), 'cancel_requested_at = now(), deadline_at = now()');

    bed.startSweeper();
    bed.startSweeper();
    for (const task of [cancelled, late, paused]) {
      await eventually(async () => assert.notEqual((await rowOf(task))?.trace, 'running'));
    }
    await bed.stopLoops();

    const facts = async (task: ClaimedTask) => {
      const { status, code, trace, slots, runs } = (await rowOf(task)) ?? {};
      return [status, code, trace, slots, runs];
    };
    assert.deepEqual(await facts(cancelled), ['cancelled', 'task_cancelled', 'cancelled', 0, ['fatal_error']]);
    assert.deepEqual(await facts(paused), ['cancelled', 'task_cancelled', 'cancelled', 0, ['skipped']]);
    assert.deepEqual(await facts(late), ['failed', 'deadline_exceeded', 'failed', 0, ['skipped']]);
    assert.deepEqual([(await rowOf(inTime))?.status, (await rowOf(healthy))?.status], ['in_progress', 'in_progress']);
    for (const task of [cancelled, late, paused]) assert.deepEqual(await orderFaults(task), []);
    const [killed] = await bed.query<{ n: number }>(
      "select count(*)::int as n from muster.outbox where topic = 'task.killed'",
    );
    assert.equal(killed?.n, 3);
  });

  it('lets its workflow be terminated as soon as Temporal is there, and asks for none that is gone', async () => {
    const [one, gone] = [await claimOne(), await claimOne()];
    const outside = { database: bed.tasks.database, graphs: new GraphCache(bed.tasks.database) };
    const failure = { code: 'task_killed', message: 'by the test' };
    for (const { execution } of [one, gone]) {
      await endFromOutside(outside, execution, { status: 'cancelled', failure, terminate: true });
      await endFromOutside(outside, execution, { status: 'cancelled', failure, terminate: true });
    }
    await bed.ageOutbox();
    const terminated: string[] = [];
    let isThere = false;
    const client = {
      withDeadline: (_: unknown, ask: () => Promise<unknown>) => ask(),
      workflow: {
        getHandle: (workflowId: string) => ({
          terminate: async () => {
            if (!isThere) throw Object.assign(new Error('away'), { code: 14, details: 'away', metadata: {} });
            if (workflowId.includes(gone.execution.taskId)) throw new WorkflowNotFoundError('', workflowId, undefined);
            terminated.push(workflowId);
          },
        }),
      },
    } as unknown as Client;

    bed.startRelay({ client });
    const unsent = () =>
      bed.query<{ last_error: string }>(
        "select last_error from muster.outbox where topic = 'task.killed' and sent_at is null",
      );
    await eventually(async () => {
      const rows = await unsent();
      assert.deepEqual(
        rows.map((row) => row.last_error),
        ['away (UNAVAILABLE)', 'away (UNAVAILABLE)'],
      );
    });
    isThere = true;

    await eventually(async () => assert.deepEqual(await unsent(), []));
    assert.deepEqual(terminated, [`task/${one.execution.taskId}/1`]);
  });

  it('is written for a run that was open for 25 days, whichever way it ends', async () => {
    const tasks = [await claimOne(), await claimOne()] as const;
    for (const task of tasks) {
      await begin(task);
      await bed.tasks.asSuperuser(`update muster.agent_runs set started_at = now() - interval '25 days'
        where trace_id = '${task.execution.traceId}'`);
    }
    const [ended, killed] = tasks;
    const runEnd = { ...NODE, status: 'ok' as const, attempts: 1, failures: 0, outcome: null, output: NOTHING_STORED };

    const written = await inTenant((em) =>
      new Recorder(em).runEnded(ended.execution, {
        ...{ ...runEnd, error: null, startedAt: null, finishedAt: new Date() },
      }),
    );
    const failure = { code: 'task_killed', message: 'by the test' };
    await endFromOutside(
      { database: bed.tasks.database, graphs: new GraphCache(bed.tasks.database) },
      killed.execution,
      {
        ...{ status: 'cancelled', failure, terminate: false },
      },
    );

    assert.equal(written, true);
    const rows = await bed.query<{ latency_ms: number }>(
      'select latency_ms from muster.agent_runs where trace_id = any($1::uuid[]) and started_at is not null',
      [tasks.map((task) => task.execution.traceId)],
    );
    assert.deepEqual(
      rows.map((row) => row.latency_ms),
      [2_147_483_647, 2_147_483_647],
    );
  });

  it('is written by its workflow although PostgreSQL refuses the reason', async () => {
    const task = await claimOne();
    const graphs = new GraphCache(bed.tasks.database);
    const { tenant, graphId } = task.execution;
    const graph = startGraph(await graphs.get(tenant, graphId));
    const quiet = () => undefined;
    const deps = {
      ...{ database: bed.tasks.database, graphs, taskEnded: quiet },
      log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    } as unknown as ActivityDependencies;

    const failure = { code: 'handler_failed', message: 'a NUL: \u0000' };
    const ended = await closeExecution(deps, { execution: task.execution, graph, status: 'failed', failure });

    assert.deepEqual([ended.status, ended.failure?.code], ['failed', 'write_refused']);
    const { status, dead, slots } = (await rowOf(task)) ?? {};
    assert.deepEqual([status, dead, slots], ['failed', 'write_refused', 0]);
  });

  it('is written with less where PostgreSQL refuses a part of its record', async () => {
    const task = await claimOne();
    // A trace that is gone: no run and no event can be written to it.
    await bed.tasks.asSuperuser(`delete from muster.agent_traces where id = '${task.execution.traceId}'`);
    const outside = { database: bed.tasks.database, graphs: new GraphCache(bed.tasks.database) };
    const failure = { code: 'task_killed', message: 'by the test' };

    await endFromOutside(outside, task.execution, { status: 'cancelled', failure, terminate: false });

    const { status, code, slots } = (await rowOf(task)) ?? {};
    assert.deepEqual([status, code, slots], ['cancelled', 'task_killed', 0]);
    const [told] = await bed.query<{ message: string }>(
      "select error ->> 'message' as message from muster.tasks where id = $1",
      [task.execution.taskId],
    );
    assert.equal(told?.message, 'by the test');
  });
});
