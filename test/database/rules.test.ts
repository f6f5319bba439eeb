import assert from 'node:assert/strict';
import { sql } from 'kysely';
import { v7 as uuid } from 'uuid';
import { openDatabase } from '../../database/open-orm.ts';
import type { Database, Transaction } from '../../database/transaction.ts';
import type { TaskId } from '../../domain/ids.ts';
import { canMoveTask, isTerminalTaskStatus, TASK_STATUSES, type TaskStatus } from '../../domain/tasks/task-status.ts';
import { AuditEntry } from '../../entities/audit/audit-entry.ts';
import { AgentGraph } from '../../entities/graphs/agent-graph.ts';
import { ActivityEffect } from '../../entities/system/activity-effect.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { type ClonedDatabase, cloneDatabase } from '../support/databases.ts';
import { sharedStack } from '../support/stack.ts';
import {
  componentRow,
  connectionRow,
  graphRow,
  insertSampleRows,
  insertTenant,
  sampleIds,
  taskRow,
} from './sample-rows.ts';

describe('the rules that the database holds', () => {
  let clone: ClonedDatabase;
  let database: Database;

  before(async () => {
    clone = await cloneDatabase(await sharedStack(), 'rules');
    database = openDatabase({ url: clone.databaseUrl, applicationName: 'rules test', poolSize: 3 });
  });

  after(async () => {
    await database.close();
    await clone.drop();
  });

  const inDefault = <Result>(work: (tx: Transaction) => Promise<Result>) => database.inTenant('default', work);

  /** Writes a graph and tasks in the default tenant. */
  const tasks = async (...rows: Array<{ status: TaskStatus; userId?: string; idempotencyKey?: string }>) => {
    const ids = sampleIds('default');
    const taskIds = rows.map(() => uuid() as TaskId);
    await inDefault(async (tx) => {
      graphRow(tx, ids);
      rows.forEach((row, index) => {
        const id = taskIds[index];
        if (id !== undefined) taskRow(tx, ids, { id, ...row });
      });
    });
    return taskIds;
  };

  const move = (id: TaskId | undefined, to: TaskStatus) =>
    inDefault(async ({ em }) => {
      const completed = isTerminalTaskStatus(to) ? sql`now()` : sql`null`;
      await sql`update muster.tasks set status = ${to}, completed_at = ${completed} where id = ${id}`.execute(
        em.getKysely(),
      );
    });

  for (const from of TASK_STATUSES) {
    it(`C027: lets a task that is ${from} move only where canMoveTask says`, async () => {
      for (const to of TASK_STATUSES) {
        const [id] = await tasks({ status: from });
        const moved = await move(id, to).then(
          () => true,
          (error) => {
            assert.match(String(error), /may not move/);
            return false;
          },
        );
        assert.equal(moved, from === to || canMoveTask(from, to), `${from} → ${to}`);
      }
    });
  }

  it('C027: holds that completed_at is set exactly when the task has ended', async () => {
    const [id] = await tasks({ status: 'in_progress' });
    const set = (assignment: string) =>
      inDefault(({ em }) =>
        sql`update muster.tasks set ${sql.raw(assignment)} where id = ${id}`.execute(em.getKysely()),
      );

    await assert.rejects(set("status = 'completed'"), /tasks_completed_check/);
    await assert.rejects(set('completed_at = now()'), /tasks_completed_check/);
    await set("status = 'completed', completed_at = now()");
  });

  it('C019: lets a slot of a concurrency key be held by one task only', async () => {
    const [first, second] = await tasks({ status: 'in_progress' }, { status: 'pending' });
    const take = (taskId: string | undefined) =>
      database.inSystem('inspect', ({ em }) =>
        sql`insert into muster.concurrency_slots (key, slot, task_id, tenant_id, fence)
          values ('user:default/u-1', 1, ${taskId}, 'default', 1)`.execute(em.getKysely()),
      );
    await take(first);

    await assert.rejects(take(second), /concurrency_slots_pkey/);
  });

  it('keeps one task per idempotency key and tenant', async () => {
    await tasks({ status: 'pending', idempotencyKey: 'key' });

    await assert.rejects(tasks({ status: 'pending', idempotencyKey: 'key' }), /tasks_idempotency_unique/);
    await assert.rejects(tasks({ status: 'pending', idempotencyKey: '' }), /tasks_idempotency_key_check/);
    await tasks({ status: 'pending' }, { status: 'pending' });
  });

  it('moves updated_at on with every update of a task', async () => {
    const [id] = await tasks({ status: 'pending' });
    await move(id, 'in_progress');

    const { rows } = await inDefault(({ em }) =>
      sql<{ later: boolean }>`select updated_at > created_at as later from muster.tasks where id = ${id}`.execute(
        em.getKysely(),
      ),
    );
    assert.deepEqual(rows, [{ later: true }]);
  });

  describe('of a published graph', () => {
    const publish = async () => {
      const ids = sampleIds('default');
      await inDefault(async (tx) => {
        graphRow(tx, ids);
        componentRow(tx, ids, 0);
        componentRow(tx, ids, 1);
        connectionRow(tx, ids);
        await tx.em.flush();
        await tx.em.nativeUpdate(AgentGraph, { id: ids.graphId }, { status: 'active', publishedAt: new Date() });
      });
      return ids;
    };
    const run = (statement: string) => inDefault(({ em }) => sql.raw(statement).execute(em.getKysely()));

    it('let nothing change but its task queue', async () => {
      const { graphId } = await publish();

      await run(`update muster.agent_graphs set task_queue = 'other' where id = '${graphId}'`);
      for (const change of [
        "name = 'other'",
        'width = 5',
        "status = 'draft', published_at = null",
        "output = '{}'",
        'version = 9',
      ]) {
        await assert.rejects(
          run(`update muster.agent_graphs set ${change} where id = '${graphId}'`),
          /never changes/,
          change,
        );
      }
    });

    it('let none of its parts be added, changed or removed', async () => {
      const { graphId, componentIds } = await publish();
      const [component] = componentIds;
      const draft = sampleIds('default');
      await inDefault(async (tx) => void graphRow(tx, draft));

      for (const statement of [
        `update muster.agent_components set objective = 'other' where id = '${component}'`,
        `update muster.component_connections set required = false where graph_id = '${graphId}'`,
        `update muster.agent_components set graph_id = '${draft.graphId}' where id = '${component}'`,
      ]) {
        await assert.rejects(run(statement), /never changes|may not move/, statement);
      }
      await assert.rejects(
        inDefault(async (tx) => void componentRow(tx, { ...sampleIds('default'), graphId }, 0)),
        /never changes/,
      );
      const remove = sql.raw(`delete from muster.agent_components where id = '${component}'`);
      await assert.rejects(
        database.inSystem('publish', ({ em }) => remove.execute(em.getKysely())),
        /never changes/,
      );
    });

    it('let the whole graph be deleted with its parts', async () => {
      const { graphId } = await publish();

      await database.inSystem('retention', ({ em }) => em.nativeDelete(AgentGraph, { id: graphId }));

      const left = await inDefault(({ em }) =>
        sql`select 1 from muster.agent_components where graph_id = ${graphId}`.execute(em.getKysely()),
      );
      assert.deepEqual(left.rows, []);
    });
  });

  it('keeps both ends of an arrow within its graph', async () => {
    const [one, two] = [sampleIds('default'), sampleIds('default')];
    await inDefault(async (tx) => {
      for (const ids of [one, two]) {
        graphRow(tx, ids);
        componentRow(tx, ids, 0);
      }
    });
    const crossing = { ...one, componentIds: [one.componentIds[0], two.componentIds[0]] as const };

    await assert.rejects(
      inDefault(async (tx) => void connectionRow(tx, crossing)),
      /_of_graph/,
    );
  });

  it('refuses an effect of a task of another tenant', async () => {
    const other = sampleIds('other-tenant');
    await database.inTenant('other-tenant', (tx) => insertSampleRows(tx, other));
    const { tenantId } = sampleIds('default');

    const effect = inDefault(async (tx) => {
      const facts = { effectKey: uuid(), state: 'pending', requestHash: 'hash', attempt: 1 } as const;
      tx.em.create(ActivityEffect, { ...facts, tenantId, taskId: other.taskId });
    });

    await assert.rejects(effect, /activity_effects_task_of_tenant/);
  });

  it("refuses a task of another tenant's graph and takes one of a shared graph", async () => {
    const [shared, other] = [sampleIds('system'), sampleIds('graph-owner')];
    await database.inTenant('system', async (tx) => void graphRow(tx, shared));
    await database.inTenant('graph-owner', (tx) => insertSampleRows(tx, other));
    const submit = ({ graphId }: { graphId: typeof other.graphId }) =>
      inDefault(async (tx) => void taskRow(tx, { ...sampleIds('default'), graphId }));

    await assert.rejects(submit(other), /tenant default has no graph/);
    await submit(shared);
  });

  it('refuses words that the domain does not know', async () => {
    const [id] = await tasks({ status: 'pending' });
    const set = (assignment: string) =>
      inDefault(({ em }) =>
        sql.raw(`update muster.tasks set ${assignment} where id = '${id}'`).execute(em.getKysely()),
      );

    await assert.rejects(set('priority = 0'), /tasks_priority_check/);
    await assert.rejects(set('priority = 11'), /tasks_priority_check/);
    await assert.rejects(
      inDefault(async (tx) => void (await insertTenant(tx, 'no spaces'))),
      /tenants_id_check|row-level/,
    );
  });

  describe('of the audit log', () => {
    const CHANGES = [
      "update muster.audit_log set actor = 'x'",
      'delete from muster.audit_log',
      'truncate muster.audit_log',
    ];
    let entry: string;

    before(async () => {
      entry = uuid();
      await inDefault(async (tx) => {
        const tenantId = sampleIds('default').tenantId;
        tx.em.create(AuditEntry, { id: entry, tenantId, actor: 'a', action: 'b', subjectType: 'c', subjectId: 'd' });
      });
    });

    for (const change of CHANGES) {
      it(`C063: refuse "${change}" to the program, to system work, to the owner and to a superuser`, async () => {
        await assert.rejects(
          inDefault(({ em }) => sql.raw(change).execute(em.getKysely())),
          /permission denied/,
        );
        await assert.rejects(
          database.inSystem('retention', ({ em }) => sql.raw(change).execute(em.getKysely())),
          /permission denied/,
        );
        for (const url of [clone.ownerUrl, clone.superuserUrl]) {
          await assert.rejects(
            withPostgresql(url, (client) => client.query(change)),
            /only grows/,
          );
        }
        const kept = await inDefault(({ em }) => em.count(AuditEntry, { id: entry, actor: 'a' }));
        assert.equal(kept, 1);
      });
    }
  });
});
