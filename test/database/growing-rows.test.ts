import assert from 'node:assert/strict';
import { v7 as uuid } from 'uuid';
import { openDatabase } from '../../database/open-orm.ts';
import type { Database } from '../../database/transaction.ts';
import { AgentGraph } from '../../entities/graphs/agent-graph.ts';
import { Task } from '../../entities/tasks/task.ts';
import { pruneAll } from '../../operations/retention/prune.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { type ClonedDatabase, cloneDatabase } from '../support/databases.ts';
import { sharedStack } from '../support/stack.ts';
import { insertSampleRows, insertSampleSlot, sampleIds } from './sample-rows.ts';

describe('rows that grow', () => {
  let clone: ClonedDatabase;
  let database: Database;

  before(async () => {
    clone = await cloneDatabase(await sharedStack(), 'growing rows');
    database = openDatabase({ url: clone.databaseUrl, applicationName: 'growing rows test', poolSize: 2 });
  });
  after(async () => {
    await database.close();
    await clone.drop();
  });

  const superuser = <Row extends object>(text: string): Promise<Row[]> =>
    withPostgresql(clone.superuserUrl, async (client) => (await client.query(text)).rows);

  it('go with their task, whichever table holds them, unless they have a policy of their own', async () => {
    const ids = sampleIds('leaving');
    await database.inTenant('leaving', (tx) => insertSampleRows(tx, ids));
    await database.inSystem('inspect', (tx) => insertSampleSlot(tx, ids));
    const naming = await superuser<{ table: string; column: string }>(`
      select table_name as table, column_name as column from information_schema.columns
      where table_schema = 'muster' and column_name in ('task_id', 'trace_id') order by table_name`);
    const left = async () => {
      const found: string[] = [];
      for (const { table, column } of naming) {
        const id = column === 'task_id' ? ids.taskId : ids.traceId;
        const rows = await superuser(`select 1 as one from muster.${table} where ${column} = '${id}'`);
        if (rows.length > 0) found.push(table);
      }
      return found;
    };
    const before = await left();

    await database.inSystem('retention', ({ em }) => em.nativeDelete(Task, { id: ids.taskId }));

    const ofTask = ['activity_effects', 'agent_runs', 'agent_traces', 'approvals', 'approvals', 'artifacts'];
    const others = ['concurrency_slots', 'grant_uses', 'grant_uses', 'model_calls', 'model_calls', 'outbox'];
    const last = [
      'run_waits',
      'run_waits',
      'task_dependencies',
      'task_forks',
      'task_messages',
      'tool_calls',
      'tool_calls',
      'trace_events',
    ];
    assert.deepEqual(before, [...ofTask, ...others, ...last]);
    assert.deepEqual(await left(), ['outbox']);
  });

  it('keep lists of ids compressed by lz4, where the server has it', async () => {
    const found = await superuser<{ column: string; method: string }>(`
      select attname as column, attcompression as method from pg_attribute where not attisdropped and
        (attrelid, attname) in (('muster.audit_log'::regclass, 'details'), ('muster.outbox'::regclass, 'payload'))`);
    const [{ known = false } = {}] = await superuser<{ known: boolean }>(
      `select 'lz4' = any (enumvals) as known from pg_settings where name = 'default_toast_compression'`,
    );

    assert.deepEqual(
      found.map(({ method }) => method),
      known ? ['l', 'l'] : ['', ''],
    );
  });

  it('keep the graph that they are of', async () => {
    const ids = sampleIds('default');
    await database.inTenant('default', (tx) => insertSampleRows(tx, ids));

    const removed = database.inSystem('retention', ({ em }) => em.nativeDelete(AgentGraph, { id: ids.graphId }));

    await assert.rejects(removed, /has tasks/);
  });

  it('C082: go once they are old, if they belong to no task or trace', async () => {
    const [old, young] = [uuid(), uuid()];
    const insert = (trace: string, days: number) =>
      superuser(`
        insert into muster.agent_runs (id, tenant_id, trace_id, node_id, agent, kind, status, created_at, finished_at)
          values (gen_random_uuid(), 'default', '${trace}', 'work', 'a', 'agent', 'ok', now() - interval '${days} days',
            now() - interval '${days} days');
        insert into muster.trace_events (trace_id, seq, tenant_id, type, at)
          values ('${trace}', 1, 'default', 'trace.started', now() - interval '${days} days')`);
    const left = async (table: string) => {
      const query = `select trace_id from muster.${table} where trace_id in ('${old}', '${young}')`;
      return (await superuser<{ trace_id: string }>(query)).map((row) => row.trace_id);
    };
    await insert(old, 100);
    await insert(young, 10);

    await pruneAll(database, { dryRun: false });

    assert.deepEqual([await left('agent_runs'), await left('trace_events')], [[young], [young]]);
  });
});
