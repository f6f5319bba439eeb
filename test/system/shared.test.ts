import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import type { TaskView } from '../../index.ts';
import { eventually } from '../support/eventually.ts';
import { LoopTurns, spin } from '../support/loop-turns.ts';
import type { MusterUnderTest } from '../support/muster.ts';
import { Gate, type Script } from './acceptance/script.ts';
import { ended, runOf } from './acceptance/views.ts';
import { isShared, items, openSharedBed, type SharedBed } from './shared-bed.ts';

const TENANTS = 10;
const EACH = 20;
const ALONE = 'alone';

describe('tasks that share an execution', function () {
  this.timeout(120_000);
  let bed: SharedBed;
  let muster: MusterUnderTest;
  let script: Script;

  before(async () => {
    bed = await openSharedBed('shared');
    ({ muster, script } = bed);
  });
  after(() => bed?.close());
  beforeEach(() => script.reset());

  it('end exactly once, with the rows of a task that has one of its own, whatever tenants are in it', async () => {
    for (const node of ['one', 'two', 'three']) script.on(node, (_, input) => ({ canary: canaryIn(input) }));
    const first = await bed.work();
    const alone = await ended(await muster.client.submit('swift', { canary: ALONE }));
    assert.ok(!isShared(alone));
    await first.stop();
    const tenants = Array.from({ length: TENANTS }, (_, index) => ({
      tenant: `tenant-${index}`,
      canary: crypto.randomUUID(),
    }));
    const clients = await Promise.all(tenants.map(({ tenant }) => muster.connect({ tenant })));

    const submitted = await Promise.all(
      clients.map((client, of) => {
        const input = { canary: tenants[of]?.canary ?? '' };
        return client.submitMany(
          'swift',
          Array.from({ length: EACH }, (_, key) => ({ input, key: `many-${key}` })),
        );
      }),
    );
    await bed.work();
    await eventually(
      async () => {
        const open = await bed.rows('select id from muster.tasks where completed_at is null');
        assert.equal(open.length, 0);
      },
      { withinMs: 60_000, everyMs: 500 },
    );

    const all: TaskView[] = [];
    for (const [index, client] of clients.entries()) {
      const views = await bed.endedAll(client, submitted[index] ?? []);
      const { canary = '' } = tenants[index] ?? {};
      for (const view of views) assert.deepEqual(shapeOf(view, canary), shapeOf(alone, ALONE));
      all.push(...views);
    }
    assert.equal(all.length, TENANTS * EACH);
    const [most] = await bed.rows<{ tenants: number }>(
      `select count(distinct tenant_id)::int as tenants from muster.agent_traces
       where carried_by is not null group by carried_by order by 1 desc limit 1`,
    );
    assert.equal(most?.tenants, TENANTS);
    assert.equal(new Set(script.calls.map(({ taskId, nodeId }) => `${taskId}/${nodeId}`)).size, 3 * all.length + 3);
    await checkCanaries(tenants);
    const [counts] = await bed.rows(
      `select count(*)::int as tasks, sum((select count(*) from muster.audit_log a where a.subject_id = t.id::text
        and a.action = 'task.completed'))::int as ends, sum((select count(*) from muster.outbox o
        where o.task_id = t.id and o.topic = 'task.finished'))::int as told from muster.tasks t`,
    );
    assert.deepEqual(counts, { tasks: 201, ends: 201, told: 201 });
  });

  /** No row of a tenant contains the canary of another, and its own canaries are where they belong. */
  const checkCanaries = async (tenants: readonly { readonly tenant: string; readonly canary: string }[]) => {
    const tables = await bed.rows<{ name: string }>(
      `select table_name as name from information_schema.columns join information_schema.tables
         using (table_schema, table_name)
       where table_schema = 'muster' and column_name = 'tenant_id' and table_type = 'BASE TABLE'`,
    );
    const shown = new Map<string, number>();
    for (const { name } of tables) {
      const found = await bed.rows<{ own: number; foreign: number }>(
        `select count(*) filter (where r.tenant_id = c.tenant)::int as own,
           count(*) filter (where r.tenant_id <> c.tenant)::int as foreign
         from muster."${name}" r join jsonb_to_recordset($1) as c (tenant text, canary text)
           on position(c.canary in r::text) > 0`,
        [JSON.stringify(tenants)],
      );
      shown.set(name, found[0]?.own ?? 0);
      assert.equal(found[0]?.foreign, 0, name);
    }
    assert.equal(shown.get('tasks'), TENANTS * EACH);
    assert.equal(shown.get('agent_runs'), 3 * TENANTS * EACH);
  };

  it('are found in Temporal by their workflow, which says what became of them', async () => {
    const views = await bed.endedAll(muster.client, await muster.client.submitMany('swift', items(40, 'found')));
    const shared = views.filter(isShared);
    const workflowId = shared[0]?.task.workflowId ?? '';
    const temporal = await muster.temporal();

    const handle = temporal.workflow.getHandle(workflowId);
    const result: unknown = await handle.result();

    assert.deepEqual(result, { completed: shared.filter(({ task }) => task.workflowId === workflowId).length });
  });

  it('are found in Temporal by each of their users, as is a task that has a workflow of its own', async () => {
    const users = Array.from({ length: 20 }, () => `u-${crypto.randomUUID()}`);
    const [first = ''] = users;
    const alone = await ended(await muster.client.submit('swift', { index: 0 }, { user: first }));
    const batch = users.map((user, index) => ({ input: { index }, key: user, user }));
    const views = await bed.endedAll(muster.client, await muster.client.submitMany('swift', batch));
    assert.ok(views.filter(isShared).length >= 10);
    const temporal = await muster.temporal();
    const found = async (user: string) => {
      const workflows = temporal.workflow.list({ query: `MusterUsers = "${user}"` });
      return (await Array.fromAsync(workflows, ({ workflowId }) => workflowId)).toSorted();
    };

    for (const [index, user] of users.entries()) {
      const own = index === 0 ? [alone.task.workflowId] : [];
      const expected = [...own, views[index]?.task.workflowId].toSorted();
      await eventually(async () => assert.deepEqual(await found(user), expected));
    }
  });

  it('leave it for a node that needs another attempt, and hold up none of the others', async () => {
    script.on('work', async ({ taskId, nodeId, attempt }) => {
      // By then those that began before the pressure have ended.
      if (attempt === 1 && script.callsOf('work').length === 20) throw new Error(`not this time: ${taskId}`);
      return { node: nodeId };
    });

    const views = await bed.endedAll(
      muster.client,
      await muster.client.submitMany('retried-quick', items(20, 'again')),
    );

    assert.deepEqual(new Set(views.map(({ task }) => task.status)), new Set(['completed']));
    const again = views.filter((view) => runOf(view, 'work').attempts === 2);
    assert.equal(again.length, 1);
    assert.ok(!isShared(again[0] as TaskView));
    assert.ok(views.filter(isShared).length >= 10);
  });

  it('let the process get to everything else while their handlers compute', async () => {
    const turns = new LoopTurns();
    const compute = ({ nodeId }: { readonly nodeId: string }) => {
      turns.count();
      spin(5);
      return { node: nodeId };
    };
    for (const node of ['one', 'two', 'three']) script.on(node, compute);

    const views = await bed.endedAll(muster.client, await muster.client.submitMany('swift', items(100, 'compute')));

    assert.ok(views.filter(isShared).length >= 50);
    // Four fit into the 20 ms after which an execution lets go, and a few tasks have executions of their own.
    assert.ok(turns.stop() <= 20, `${turns.stop()} handlers in one turn of the loop`);
  });

  it('begin no node before those that it follows are written', async () => {
    const written = new Map<string, unknown>();
    script.on('two', async ({ taskId, nodeId }) => {
      const [before] = await bed.rows<{ status: string }>(
        `select r.status from muster.agent_runs r join muster.agent_traces a on a.id = r.trace_id
         where a.task_id = $1 and r.node_id = 'one'`,
        [taskId],
      );
      written.set(taskId, before?.status);
      return { node: nodeId };
    });

    const views = await bed.endedAll(muster.client, await muster.client.submitMany('swift', items(20, 'durable')));

    const shared = views.filter(isShared);
    assert.ok(shared.length >= 10, `${shared.length} shared`);
    for (const { task } of shared) assert.equal(written.get(task.id), 'ok');
  });

  it('continue each by itself when somebody terminates it, and repeat nothing that was written', async () => {
    const gate = new Gate();
    script.on('two', gate.pass);
    const tasks = await muster.client.submitMany('swift', items(20, 'terminated'));
    await eventually(() => assert.equal(script.callsOf('two').length, 20));
    await eventually(async () => {
      const written = await bed.rows(
        `select r.id from muster.agent_runs r join muster.agent_traces a on a.id = r.trace_id
         where r.node_id = 'one' and r.status = 'ok' and a.task_id = any($1)`,
        [tasks.map(({ id }) => id)],
      );
      assert.equal(written.length, 20);
    });
    const [carrier] = await bed.rows<{ carried_by: string }>(
      'select carried_by from muster.agent_traces where carried_by is not null and task_id = any($1)',
      [tasks.map(({ id }) => id)],
    );
    const temporal = await muster.temporal();

    await temporal.workflow.getHandle(carrier?.carried_by ?? '').terminate('a test');
    // As if they had been claimed a minute ago, when the reconciler asks.
    await bed.rows("update muster.tasks set checked_at = now() - interval '1 minute' where completed_at is null");
    await eventually(async () => assert.equal((await bed.carried(tasks.map(({ id }) => id))).size, 0), {
      withinMs: 20_000,
      everyMs: 200,
    });
    gate.open();
    const views = await bed.endedAll(muster.client, tasks);

    assert.deepEqual(new Set(views.map(({ task }) => task.status)), new Set(['completed']));
    assert.equal(script.callsOf('one').length, 20);
  });

  it('lose nothing when Redis is emptied meanwhile', async () => {
    const gate = new Gate();
    script.on('two', gate.pass);
    const tasks = await muster.client.submitMany('swift', items(20, 'flushed'));
    await eventually(() => assert.equal(script.callsOf('two').length, 20));
    const redis = new Redis(muster.stack.redisUrl);

    await redis.flushall();
    await redis.quit();
    gate.open();
    const views = await bed.endedAll(muster.client, tasks);

    assert.deepEqual(new Set(views.map(({ task }) => task.status)), new Set(['completed']));
    assert.equal(script.calls.length, 3 * 20);
  });
});

function canaryIn(input: unknown): string {
  const { canary, before } = input as { canary?: string; before?: { canary: string } };
  return canary ?? before?.canary ?? '';
}

/** The parts of a task that are the same in both forms of execution, without its canary. */
function shapeOf(view: TaskView, canary: string): unknown {
  return JSON.parse(JSON.stringify(partsOf(view)).replaceAll(canary, ''));
}

function partsOf({ task, traces, output }: TaskView) {
  return {
    status: task.status,
    output,
    traces: traces.map(({ status, runs, events }) => ({
      status,
      runs: runs.map(({ path, agent, status, attempts, error }) => ({ path, agent, status, attempts, error })),
      events: events.map(({ seq, type, path, data }) => ({ seq, type, path, data })),
    })),
  };
}
