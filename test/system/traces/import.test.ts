import assert from 'node:assert/strict';
import { z } from 'zod';
import { openClientStores } from '../../../client/open-stores.ts';
import { openDatabase } from '../../../database/open-orm.ts';
import { defineGraph, type TaskHandle } from '../../../index.ts';
import { callOperation } from '../../../operations/call.ts';
import type { Permission } from '../../../operations/caller.ts';
import { digestOf } from '../../../operations/digest-of.ts';
import { pruneAll } from '../../../operations/retention/prune.ts';
import { forkTask } from '../../../operations/traces/fork.ts';
import { importTask } from '../../../operations/traces/import.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { query } from '../../support/query.ts';
import { ended } from '../acceptance/views.ts';
import { linesOf, resealed } from './file-lines.ts';

const listing = defineGraph({
  name: 'file-listing',
  input: z.object({}),
  nodes: { first: { prompt: 'Go.' }, list: { operation: 'graphs.list', input: {}, after: ['first'] } },
  output: '/nodes/first',
});

describe('an import', function () {
  this.timeout(120_000);
  let muster: MusterUnderTest;
  let other: MusterUnderTest;
  let file: readonly string[];

  before(async () => {
    muster = await openMuster('import');
    other = await openMuster('import elsewhere');
    await muster.work({ graphs: [listing] });
    const task = await muster.client.submit('file-listing', {});
    assert.equal((await ended(task)).task.status, 'completed');
    file = await linesOf(muster.client, { id: task.id });
  });
  after(async () => {
    await muster?.close();
    await other?.close();
  });

  /** The same file with another description of its graph. */
  function redescribed(): readonly string[] {
    const line = file.find((text) => text.startsWith('{"is":"graph"')) ?? '{}';
    const { hash, definition, ...rest } = JSON.parse(line);
    const changed = { ...definition, description: 'imported' };
    const text = JSON.stringify({ ...rest, hash, definition: changed });
    return resealed(file.map((each) => (each === line ? text : each).replaceAll(hash, digestOf(changed))));
  }

  it('R011: writes versions of graphs only for a caller who may publish them; a fork runs them only for one with the rights of their nodes', async () => {
    const stores = await openClientStores({ environment: other.environment });
    const by = (...permissions: Permission[]) => {
      const caller = { kind: 'user', name: 'ada', tenant: stores.tenant, permissions: new Set(permissions) } as const;
      return { caller, stores };
    };

    for (const [permissions, lacks] of [
      [['tasks:write'], 'graphs:publish'],
      [['tasks:write', 'graphs:publish'], 'graphs:read'],
    ] as const) {
      await assert.rejects(callOperation(importTask, by(...permissions), { lines: file }), {
        ...{ code: 'permission_denied', message: new RegExp(`lacks the permission ${lacks}`) },
      });
    }
    const there = await query(
      other,
      `select from muster.tasks union all
      select from muster.agent_graphs where name = 'file-listing'`,
    );
    const { taskId: id } = await other.client.operations.tasks.import({ lines: file });
    const fork = { id, at: 'list' };
    await assert.rejects(callOperation(forkTask, by('tasks:write'), fork), {
      ...{ code: 'permission_denied', message: /may not call graphs.list/ },
    });
    const { taskId } = await callOperation(forkTask, by('tasks:write', 'graphs:read'), fork);
    await stores.close();

    assert.equal(there.length, 0);
    assert.equal((await other.client.task(taskId as string).read()).status, 'pending');
  });

  it('hides no version of a graph that every tenant may use', async () => {
    const { graphs, tasks } = muster.client.operations;
    const [own] = await graphs.versions({ graph: 'file-listing' });
    await tasks.import({ lines: redescribed() });

    const [imported] = await graphs.versions({ graph: 'file-listing' });
    const shown = await graphs.show({ graph: 'file-listing', version: 1 });

    assert.deepEqual([imported?.version, imported?.status, own?.version], [1, 'archived', 1]);
    assert.notEqual(imported?.id, own?.id);
    assert.deepEqual([shown.id, shown.definition.description], [own?.id, '']);
  });

  it('is kept from then on, however long ago its task ended', async () => {
    const year = new Date().getFullYear();
    const old = resealed(file.map((line) => line.replaceAll(`"${year}-`, `"${year - 4}-`)));
    const { taskId } = await other.client.operations.tasks.import({ lines: old });
    const database = openDatabase({ url: other.databaseUrl, poolSize: 2, applicationName: 'retention' });
    const rowsOf = async (task: TaskHandle) => {
      const { traces, pruned } = await task.show();
      return [traces[0]?.runs.length, traces[0]?.events.length, pruned];
    };
    const task = other.client.task(taskId);
    const before = await rowsOf(task);
    const { createdAt } = await task.read();

    await pruneAll(database, { dryRun: false });
    const kept = await rowsOf(task);
    await query(other, "update muster.tasks set imported_at = now() - interval '4 years' where id = $1", [taskId]);
    await pruneAll(database, { dryRun: false });
    await database.close();

    assert.equal(new Date(createdAt).getFullYear(), year - 4);
    assert.deepEqual(kept, before);
    await assert.rejects(task.read(), { code: 'task_unknown' });
  });
});
