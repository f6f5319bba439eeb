import assert from 'node:assert/strict';
import { openDatabase } from '../../../database/open-orm.ts';
import type { Database } from '../../../database/transaction.ts';
import type { ExecutionRef } from '../../../domain/tasks/execution.ts';
import { NOTHING_STORED } from '../../../entities/traces/artifact-repository.ts';
import type { RunEnd } from '../../../operations/record/notes.ts';
import { Recorder } from '../../../operations/record/recorder.ts';
import { withPostgresql } from '../../../servers/probe/probes.ts';
import { insertSampleRows, sampleIds } from '../../database/sample-rows.ts';
import { type ClonedDatabase, cloneDatabase, sharedStack } from '../../support/stack.ts';

const FIVE = ['a', 'b', 'c', 'd', 'e'];
const THREE = ['b', 'c', 'd'];

describe('the replacement of runs', () => {
  let clone: ClonedDatabase;
  let database: Database;
  let execution: ExecutionRef;

  before(async () => {
    clone = await cloneDatabase(await sharedStack(), 'replace-runs');
    const url = clone.databaseUrl;
    database = openDatabase({ url, poolSize: 2, applicationName: 'replace-runs', transactionTimeoutMs: 1_500 });
  });
  after(async () => {
    await database?.close();
    await clone?.drop();
  });
  /** A trace of its own with five runs that are under way. */
  beforeEach(async () => {
    await superuser(
      'truncate muster.agents, muster.agent_graphs, muster.tasks, muster.agent_runs, muster.tool_policies cascade',
    );
    const ids = sampleIds('default');
    await database.inTenant('default', (tx) => insertSampleRows(tx, ids));
    const { tenantId: tenant, taskId, traceId, graphId } = ids;
    execution = { tenant, taskId, traceId, traceNumber: 1, graphId, user: null, fence: 0 };
    await superuser(`delete from muster.agent_runs`);
    await superuser(
      `insert into muster.agent_runs (id, tenant_id, trace_id, node_id, agent, kind, status, attempts, started_at)
        select gen_random_uuid(), 'default', $1, unnest($2::text[]), 'agent', 'agent', 'running', 1, now()`,
      [traceId, FIVE],
    );
  });

  const superuser = (text: string, values?: readonly unknown[]) =>
    withPostgresql(clone.superuserUrl, (client) => client.query(text, values === undefined ? [] : [...values]));
  const replace = (nodes: readonly string[], attempts: number) =>
    database.inTenant('default', async ({ em }) => {
      const ends = nodes.map((nodeId) => endOf(nodeId, attempts));
      return (await new Recorder(em).runsReplaced(execution, ends))?.size === nodes.length;
    });
  const rows = async () => {
    const query = 'select node_id, status, attempts from muster.agent_runs where trace_id = $1 order by node_id';
    const { rows: found } = await superuser(query, [execution.traceId]);
    return found.map((row) => `${row.node_id} ${row.status} ${row.attempts}`);
  };

  it('C002: puts one ended row in the place of each node’s open one, and leaves ended ones as they ended', async () => {
    assert.equal(await replace(THREE, 2), true);
    assert.equal(await replace(FIVE, 3), false);

    assert.deepEqual(await rows(), ['a ok 3', 'b ok 2', 'c ok 2', 'd ok 2', 'e ok 3']);
  });

  it('C002: leaves all old rows when its session is killed between the delete and the insert', async () => {
    const before = await rows();
    // The first insert comes after the delete of the same statement; nothing of either is committed then.
    await superuser(`
      create function muster.kill_session() returns trigger language plpgsql security definer as $$
        begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$;
      create trigger kill_session before insert on muster.agent_runs
        for each row execute function muster.kill_session()`);

    await assert.rejects(replace(THREE, 2), { code: 'service_unreachable', message: /terminat/ });
    const left = await rows();
    await superuser('drop trigger kill_session on muster.agent_runs');
    await replace(THREE, 2);

    assert.deepEqual(left, before);
    assert.deepEqual(await rows(), ['a running 1', 'b ok 2', 'c ok 2', 'd ok 2', 'e running 1']);
  });
});

function endOf(nodeId: string, attempts: number): RunEnd {
  const at = new Date();
  return {
    ...{ nodeId, agent: 'agent', kind: 'agent', status: 'ok', attempts, failures: 0, outcome: null },
    ...{ output: NOTHING_STORED, error: null, startedAt: at, finishedAt: at },
  };
}
