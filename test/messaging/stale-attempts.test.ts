import assert from 'node:assert/strict';
import type { Client } from 'pg';
import { v7 as uuid } from 'uuid';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { AgentRun } from '../../entities/traces/agent-run.ts';
import { AgentTrace } from '../../entities/traces/agent-trace.ts';
import type { Speaker } from '../../messaging/sender.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { graphRow, type SampleIds, sampleIds, taskRow } from '../database/sample-rows.ts';
import { eventually } from '../support/eventually.ts';
import { numbered, PostOffice, type Talker, TENANT } from './post-office.ts';

const NODE = 'node-0';

describe('what the attempt of a node sends', () => {
  let office: PostOffice;
  let worker: Talker;
  let ids: SampleIds;

  before(async () => {
    office = await PostOffice.open('stale attempts');
    worker = await office.talker(['ann', 'bob']);
  });
  after(() => office?.close());
  beforeEach(async () => {
    await office.sql('delete from muster.agent_messages');
    ids = sampleIds(TENANT);
    const { tenantId, taskId, traceId, graphId } = ids;
    await office.database.inTenant(TENANT, async (tx) => {
      graphRow(tx, ids);
      taskRow(tx, ids, { status: 'in_progress' });
      tx.em.create(AgentTrace, { id: traceId, tenantId, taskId, number: 1, graphId, workflowId: `task/${taskId}/1` });
      await tx.em.flush();
      const run = { id: uuid(), tenantId, traceId, nodeId: NODE, agent: 'ann', kind: 'agent' } as const;
      tx.em.create(AgentRun, { ...run, status: 'running', attempts: 1, startedAt: new Date() });
      await tx.em.flush();
    });
  });

  const speaker = (): Speaker => {
    const execution = { taskId: ids.taskId, fence: 0, traceId: ids.traceId } as ExecutionRef;
    return { ...worker.as('ann'), traceId: ids.traceId, attempt: { execution, nodeId: NODE, attempt: 1 } };
  };
  const send = () => worker.sender.send(speaker(), { to: 'bob', payload: numbered(1) });
  const stored = async () => (await office.messages()).length;

  it('is stored while its claim and its run stand', async () => {
    await send();

    assert.equal(await stored(), 1);
  });

  it('is stored where the node has no run yet, as a quick one', async () => {
    await office.sql('delete from muster.agent_runs where trace_id = $1', [ids.traceId]);

    await send();

    assert.equal(await stored(), 1);
  });

  const ends = {
    'another claim': () => office.sql('update muster.tasks set fence = 1 where id = $1', [ids.taskId]),
    'the end of its task': () =>
      office.sql("update muster.tasks set status = 'cancelled', completed_at = now() where id = $1", [ids.taskId]),
    'a later attempt': () => office.sql('update muster.agent_runs set attempts = 2 where trace_id = $1', [ids.traceId]),
    'the wait for its next attempt': () =>
      office.sql("update muster.agent_runs set status = 'pending' where trace_id = $1", [ids.traceId]),
  };
  for (const [what, end] of Object.entries(ends)) {
    it(`is not stored after ${what}, whether message, request or broadcast`, async () => {
      await worker.receive({ bob: () => null });
      await end();

      const request = worker.sender.request(speaker(), { to: 'bob', payload: {} });
      await assert.rejects(request, { code: 'stale_fence' });
      await assert.rejects(send(), { code: 'stale_fence' });
      await assert.rejects(worker.sender.broadcast(speaker(), { payload: {} }), { code: 'stale_fence' });

      assert.equal(await stored(), 0);
    });
  }

  it('keeps the messages of others that share its statement', async () => {
    await ends['another claim']();

    const [stale, other] = await Promise.allSettled([
      send(),
      worker.sender.send(worker.as('ann'), { to: 'bob', payload: numbered(2) }),
    ]);

    assert.deepEqual([stale.status, other.status], ['rejected', 'fulfilled']);
    assert.equal(await stored(), 1);
  });

  for (const [what, change] of [
    ['claim', 'update muster.tasks set fence = 1 where id = $1'],
    [
      'attempt',
      'update muster.agent_runs set attempts = 2 where trace_id = (select t.id from muster.agent_traces t where t.task_id = $1)',
    ],
  ] as const) {
    it(`is not stored where another ${what} commits between the check and the write`, async () => {
      const sending = await withPostgresql(office.clone.superuserUrl, async (client) => {
        await client.query('begin');
        await client.query(change, [ids.taskId]);
        const sent = send();
        sent.catch(() => undefined);
        await isWaited(client);
        await client.query('commit');
        return { sent };
      });

      await assert.rejects(sending.sent, { code: 'stale_fence' });
      assert.equal(await stored(), 0);
    });
  }
});

/** Until another connection waits for what this one has locked. */
function isWaited(client: Client): Promise<unknown> {
  return eventually(async () => {
    const { rows } = await client.query(
      'select 1 from pg_stat_activity where pg_backend_pid() = any(pg_blocking_pids(pid))',
    );
    assert.equal(rows.length, 1);
  });
}
