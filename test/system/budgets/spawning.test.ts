import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineGraph, type Muster, operation, type TaskHandle } from '../../../index.ts';
import { withPostgresql } from '../../../servers/probe/probes.ts';
import { eventually } from '../../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';

const NOTHING = z.object({});

/** Spawns two of itself, and so on without an end of its own. */
const twins = defineGraph({
  name: 'twins',
  input: NOTHING,
  nodes: {
    spawn: {
      tool: operation('tasks.submitMany'),
      input: { graph: { value: 'twins' }, items: { value: [{ input: {} }, { input: {} }] } },
    },
  },
  output: '/nodes/spawn',
});

/** Spawns a task that has a next one tomorrow, and so on. */
const starter = defineGraph({
  name: 'starter',
  input: NOTHING,
  nodes: {
    spawn: {
      tool: operation('tasks.submit'),
      input: { graph: { value: 'daily' }, input: { value: {} }, repeat: { value: { every: 'daily' } } },
    },
  },
  output: '/nodes/spawn',
});
const daily = defineGraph({
  name: 'daily',
  input: NOTHING,
  nodes: { look: { tool: operation('graphs.list'), input: {} } },
  output: {},
});

describe('what a task may spawn', function () {
  this.timeout(120_000);
  let muster: MusterUnderTest;
  let client: Muster;

  before(async () => {
    muster = await openMuster('spawning');
    client = muster.client;
    await muster.work({ graphs: [twins, starter, daily] });
  });
  after(() => muster?.close());

  /** The ends of all tasks, once none is under way. */
  async function endsOfAll(): Promise<Record<string, number>> {
    return eventually(
      async () => {
        const tasks = await client.tasks({ limit: 500 });
        const open = tasks.filter(({ completedAt }) => completedAt === null);
        assert.equal(open.length, 0, `${open.length} of ${tasks.length} tasks are under way`);
        return Object.fromEntries([...Map.groupBy(tasks, ({ status }) => status)].map(([end, of]) => [end, of.length]));
      },
      { withinMs: 60_000 },
    );
  }

  const codeOf = async (task: TaskHandle) => (await task.read()).error?.code;

  it('S18: ends by the depth of its budget', async () => {
    await client.submit('twins', {}, { budget: { depth: 3 } });

    // 1 + 2 + 4 spawn; the 8 of the last level are refused.
    assert.deepEqual(await endsOfAll(), { completed: 7, failed: 8 });
    const dead = await client.dead({ limit: 20 });
    assert.ok(dead.every(({ error }) => error?.code === 'budget_exhausted'));
  });

  it('S18: ends by the fan-out of its budget, which all below it share', async () => {
    const before = await client.tasks({ limit: 500 });
    const root = await client.submit('twins', {}, { budget: { fanOut: 7 } });

    await endsOfAll();
    const spawned = (await client.tasks({ limit: 500 })).length - before.length - 1;
    const { budget } = await root.show();

    assert.equal(spawned, 6, 'a third pair fits, a fourth does not');
    assert.deepEqual(budget?.limits, [{ what: 'fan_out', limit: 7, spent: 6, reserved: 0, left: 1, soft: true }]);
    assert.equal(await codeOf(root), undefined);
  });

  it('fails a task without room for what it spawns, which continues when a person grants more', async () => {
    const root = await client.submit('twins', {}, { budget: { fanOut: 1, depth: 1 } });
    await eventually(async () => assert.equal(await codeOf(root), 'budget_exhausted'), { withinMs: 30_000 });

    await client.operations.budgets.grant({ scope: `task:${root.id}`, fanOut: 1 });
    await client.redrive([root.id]);

    await eventually(async () => assert.equal((await root.read()).status, 'completed'), { withinMs: 30_000 });
  });

  it('counts the tasks of a series that it spawned, and lets the next one come when there is room', async () => {
    const root = await client.submit('starter', {}, { budget: { fanOut: 1 } });
    const series = async () => (await client.tasks({ graph: 'daily' })).map(({ status }) => status).sort();
    const isFollowed = () =>
      withPostgresql(muster.ownerUrl, async (server) => {
        const unsent = await server.query(`select id from muster.outbox where sent_at is null`);
        assert.deepEqual([await series(), unsent.rows], [['completed'], []]);
      });
    await eventually(isFollowed, { withinMs: 30_000 });

    await client.operations.budgets.grant({ scope: `task:${root.id}`, fanOut: 2 });

    await eventually(async () => assert.deepEqual(await series(), ['completed', 'deferred']), { withinMs: 30_000 });
    const { budget } = await root.show();
    assert.deepEqual(budget?.limits, [{ what: 'fan_out', limit: 3, spent: 2, reserved: 0, left: 1, soft: false }]);
  });
});
