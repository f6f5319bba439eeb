import assert from 'node:assert/strict';
import type { Client } from '@temporalio/client';
import { z } from 'zod';
import { gcra } from '../../domain/limits/rate-limit.ts';
import { defineAgent, defineGraph, type TaskHandle } from '../../index.ts';
import { eventually } from '../support/eventually.ts';
import { setLimits } from '../support/limits.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { behindTheBack } from '../system/acceptance/database.ts';
import { failTimes, Gate, Script } from '../system/acceptance/script.ts';
import { ended, runOf } from '../system/acceptance/views.ts';

const anything = z.record(z.string(), z.json());

interface RunRow {
  readonly status: string;
  readonly attempts: number;
  readonly failures: number;
  readonly crashes: number;
  readonly waits_ms: number | null;
  readonly limit_wait_ms: string;
}

describe('the attempts of a node', function () {
  this.timeout(60_000);
  const script = new Script();
  let muster: MusterUnderTest;
  let temporal: Client;

  const agentOf = (name: string, more: { quick?: boolean; retry?: object }) =>
    defineAgent({
      ...more,
      name,
      input: anything,
      output: z.unknown(),
      handle: (input, context) => script.run(input, context),
    });
  const graphOf = (name: string, more: { quick?: boolean; retry?: object }) =>
    defineGraph({
      name,
      input: anything,
      nodes: { work: { agent: agentOf(name, more), input: '/task', budget: { maxRetries: 1 } } },
      output: '/nodes/work',
    });
  const graphs = [
    graphOf('patient', { retry: { firstMs: 700 } }),
    graphOf('patient-quick', { quick: true, retry: { firstMs: 700 } }),
    graphOf('asleep', { retry: { firstMs: 3_600_000, mostMs: 3_600_000 } }),
    graphOf('prompt', { retry: { firstMs: 5 } }),
    graphOf('limited', { retry: { limitWaitMs: 300 } }),
  ];

  before(async () => {
    muster = await openMuster('attempts');
    const one = gcra({ limit: 1, perSeconds: 3_600, burst: 1 });
    const brief = gcra({ limit: 1, perSeconds: 0.05, burst: 1 });
    await setLimits(muster, { 'provider:scarce': one, 'provider:scarcer': one, 'provider:brief': brief });
    await muster.work({ graphs });
    temporal = await muster.temporal();
  });
  after(async () => {
    await muster?.close();
  });
  beforeEach(() => script.reset());

  const rowOf = async ({ id }: TaskHandle): Promise<RunRow | undefined> => {
    const rows = await behindTheBack<RunRow>(
      muster,
      `select r.status, r.attempts, r.failures, r.crashes, r.limit_wait_ms,
         extract(epoch from r.next_attempt_at - now())::float8 * 1000 as waits_ms
       from muster.agent_runs r join muster.agent_traces t on t.id = r.trace_id where t.task_id = $1`,
      [id],
    );
    return rows[0];
  };
  const took = (view: Awaited<ReturnType<typeof ended>>) => {
    const { startedAt, finishedAt } = runOf(view, 'work');
    return Number(finishedAt) - Number(startedAt);
  };

  for (const graph of ['patient', 'patient-quick']) {
    it(`wait for the next one as long as the agent says, and the row says until when (${graph})`, async () => {
      script.on('work', failTimes(1));
      const task = await muster.client.submit(graph, {});

      await eventually(async () => {
        const row = await rowOf(task);
        assert.deepEqual([row?.status, row?.failures], ['pending', 1]);
        assert.ok((row?.waits_ms ?? 0) > 0 && (row?.waits_ms ?? 0) <= 1_050, `waits ${row?.waits_ms} ms`);
      });
      const view = await ended(task);

      assert.deepEqual([runOf(view, 'work').status, runOf(view, 'work').attempts], ['ok', 2]);
      assert.ok(took(view) >= 700, `it took ${took(view)} ms`);
      assert.deepEqual((await rowOf(task))?.waits_ms, null);
    });
  }

  it('hold nothing while they wait, so that a cancel ends the task at once', async () => {
    script.on('work', failTimes(1));
    const task = await muster.client.submit('asleep', {});
    await eventually(async () => assert.equal((await rowOf(task))?.status, 'pending'));

    await task.cancel();
    const view = await ended(task);

    assert.equal(view.task.status, 'cancelled');
    assert.equal(script.callsOf('work').length, 1);
  });

  it('wait at least as long as the error asks for', async () => {
    script.on('work', ({ attempt }) => {
      if (attempt === 1) throw Object.assign(new Error('busy'), { retryAfterMs: 900 });
      return null;
    });

    const view = await ended(await muster.client.submit('prompt', {}));

    assert.equal(view.task.status, 'completed');
    assert.ok(took(view) >= 900 && took(view) < 10_000, `it took ${took(view)} ms`);
  });

  it('wait for a limit no longer in total than the agent says', async () => {
    script.on('work', async ({ limits }) => {
      await limits.take({ provider: 'scarce' });
      return null;
    });
    await ended(await muster.client.submit('limited', {}));

    const view = await ended(await muster.client.submit('limited', {}));

    assert.equal(view.task.error?.code, 'limit_wait_exceeded');
    assert.match(view.task.error?.message ?? '', /more than 0 s in total\. The limit provider:scarce/);
    assert.deepEqual([runOf(view, 'work').status, runOf(view, 'work').attempts], ['fatal_error', 1]);
  });

  it('wait for a limit until the deadline where the task has one', async () => {
    script.on('work', async ({ limits }) => {
      await limits.take({ provider: 'scarcer' });
      return null;
    });
    await ended(await muster.client.submit('limited', {}));

    const deadlineAt = new Date(Date.now() + 3_000);
    const task = await muster.client.submit('limited', {}, { deadlineAt });
    await eventually(async () => assert.ok(Number((await rowOf(task))?.limit_wait_ms) > 300));
    const view = await ended(task);

    assert.equal(view.task.error?.code, 'deadline_exceeded');
  });

  /** A task whose node failed once and holds at a gate in its second attempt. */
  const inSecondAttempt = async () => {
    const gates = [new Gate(), new Gate()];
    script.on('work', (context, input) => {
      if (context.attempt === 1) throw new Error('the first attempt fails');
      return gates[context.attempt - 2]?.pass(context, input) ?? null;
    });
    const task = await muster.client.submit('prompt', {});
    await eventually(() => assert.equal(script.callsOf('work').length, 2));
    return { task, gates };
  };

  it('that waited do not count towards the faults of the program that end a node', async () => {
    let limited = true;
    script.on('work', async ({ limits }) => {
      if (limited) for (;;) await limits.take({ provider: 'brief' });
      return null;
    });
    const task = await muster.client.submit('prompt', {});
    await eventually(async () => assert.ok(((await rowOf(task))?.attempts ?? 0) >= 21), { withinMs: 20_000 });

    const rename = (from: string, to: string) => behindTheBack(muster, `alter table muster.${from} rename to ${to}`);
    await rename('agent_runs', 'agent_runs_gone');
    limited = false;
    await eventually(async () => {
      const { raw } = await temporal.workflow.getHandle(task.workflowId).describe();
      assert.match(raw.pendingActivities?.[0]?.lastFailure?.message ?? '', /does not exist/);
    }).finally(() => rename('agent_runs_gone', 'agent_runs'));

    assert.equal((await ended(task)).task.status, 'completed');
  });

  it('are shown from the first event to the last, however many there were', async () => {
    script.on('work', () => null);
    const task = await muster.client.submit('prompt', {});
    await ended(task);
    await behindTheBack(
      muster,
      `set session_replication_role = replica;
       update muster.agent_traces set next_seq = next_seq + 20000 where task_id = '${task.id}';
       update muster.trace_events e set seq = seq + 20000 from muster.agent_traces t
         where t.id = e.trace_id and t.task_id = '${task.id}' and e.seq > 2;
       insert into muster.trace_events (trace_id, seq, tenant_id, type, node_id, data, at)
         select t.id, s, t.tenant_id, 'run.retried', 'work', '{}', now()
         from muster.agent_traces t, generate_series(3, 20002) s where t.task_id = '${task.id}'`,
    );

    const { events = [], status } = (await task.show()).traces[0] ?? {};

    assert.equal(status, 'completed');
    assert.equal(events.length, 10_000);
    assert.deepEqual([events[0]?.type, events.at(-1)?.type], ['trace.started', 'trace.completed']);
  });

  it('keep their numbers when somebody resets the activity', async () => {
    script.on('work', ({ attempt }) => {
      if (attempt === 1) throw Object.assign(new Error('busy'), { retryAfterMs: 1_000 });
      return null;
    });
    const task = await muster.client.submit('prompt', {});
    await eventually(async () => assert.equal((await rowOf(task))?.status, 'pending'));

    await temporal.workflowService.resetActivity({
      namespace: temporal.options.namespace,
      execution: { workflowId: task.workflowId },
      id: 'work',
    });
    const view = await ended(task);

    assert.deepEqual([runOf(view, 'work').status, runOf(view, 'work').attempts], ['ok', 2]);
  });

  it('keep their numbers when the workflow is reset, and the later one alone writes', async () => {
    const { task, gates } = await inSecondAttempt();
    const handle = temporal.workflow.getHandle(task.workflowId);
    const { events = [] } = await handle.fetchHistory();
    const finished = events?.find((event) => event.workflowTaskCompletedEventAttributes)?.eventId;

    await temporal.workflowService.resetWorkflowExecution({
      namespace: temporal.options.namespace,
      workflowExecution: { workflowId: task.workflowId },
      reason: 'a test',
      requestId: task.id,
      workflowTaskFinishEventId: finished ?? null,
    });
    await eventually(() => assert.equal(script.callsOf('work').length, 3));
    for (const gate of gates) gate.open();
    const view = await ended(task);

    assert.equal(view.task.status, 'completed');
    assert.deepEqual(
      script.callsOf('work').map(({ attempt }) => attempt),
      [1, 2, 3],
    );
    assert.deepEqual([runOf(view, 'work').status, runOf(view, 'work').attempts], ['ok', 3]);
    assert.equal((await rowOf(task))?.failures, 1);
  });

  it('keep their numbers when Temporal has lost its data', async () => {
    const { task, gates } = await inSecondAttempt();

    await temporal.workflowService.deleteWorkflowExecution({
      namespace: temporal.options.namespace,
      workflowExecution: { workflowId: task.workflowId },
    });
    await eventually(async () => assert.rejects(temporal.workflow.getHandle(task.workflowId).describe()));
    await behindTheBack(
      muster,
      "update muster.tasks set claimed_at = now() - interval '60 s', checked_at = now() - interval '60 s' where id = $1",
      [task.id],
    );
    await eventually(() => assert.equal(script.callsOf('work').length, 3), { withinMs: 30_000 });
    for (const gate of gates) gate.open();
    const view = await ended(task);

    assert.equal(view.task.status, 'completed');
    assert.deepEqual([runOf(view, 'work').status, runOf(view, 'work').attempts], ['ok', 3]);
  });
});
