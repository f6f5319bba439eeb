import assert from 'node:assert/strict';
import type { Muster, QueueView } from '../../index.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { failForGood, Gate, Script } from '../system/acceptance/script.ts';
import { ended } from '../system/acceptance/views.ts';

describe('the queue, to an operator', () => {
  const script = new Script();
  const graphs = scriptedGraphs(script);
  let muster: MusterUnderTest;
  let acme: Muster;

  before(async () => {
    muster = await openMuster('queue control');
    acme = await muster.connect({ tenant: 'acme' });
    await muster.client.publish(Object.values(graphs));
    await acme.publish(Object.values(graphs));
  });
  after(() => muster?.close());
  beforeEach(() => script.reset());

  const query = (statement: string, values: unknown[] = []) => queryAll(muster, statement, values);
  const stored = async () => (await query("select value from muster.system_config where key = 'queue'"))[0]?.value;

  it('shows what waits by band and tenant, with ages, before any worker is there', async () => {
    await muster.client.submit('single', {}, { priority: 'high' });
    await muster.client.submit('single', {}, { priority: 'low' });
    const { id } = await acme.submit('single', {});
    await query("update muster.tasks set created_at = now() - interval '10 minutes' where id = $1", [id]);

    const [own, all] = await Promise.all([muster.client.queue(), muster.client.queue({ allTenants: true })]);

    assert.deepEqual(own.waiting, { high: 1, normal: 0, low: 1 });
    assert.deepEqual(
      own.tenants.map(({ tenant }) => tenant),
      ['default'],
    );
    assert.deepEqual(all.waiting, { high: 1, normal: 1, low: 1 });
    assert.deepEqual(
      all.tenants.map(({ tenant, waiting, running, weight, paused }) => ({ tenant, waiting, running, weight, paused })),
      [
        { tenant: 'acme', waiting: 1, running: 0, weight: 1, paused: false },
        { tenant: 'default', waiting: 2, running: 0, weight: 1, paused: false },
      ],
    );
    assert.equal(bandOf(own, 'normal').oldestWaitMs, null);
    assert.deepEqual([own.index, own.unserved], ['unserved', [muster.taskQueue]]);
    assert.deepEqual([own.unhosted.tasks, all.unhosted.tasks], [2, 3]);
    assert.ok(own.unhosted.agents.length > 0, 'the agents are named');
    const waitedMs = bandOf(all, 'normal').oldestWaitMs ?? 0;
    assert.ok(waitedMs >= 600_000 && waitedMs < 900_000, `${waitedMs} ms`);
  });

  it('pauses and resumes bands, tenants and graphs, each change once in the settings and each in the audit log', async () => {
    await muster.client.pause('band:low');
    await muster.client.pause('tenant:acme');
    const paused = await muster.client.pause('band:low');
    const view = await muster.client.queue({ allTenants: true });
    await muster.client.resume('band:low');
    const resumed = await muster.client.resume('band:low');

    assert.deepEqual(paused.paused, ['band:low', 'tenant:acme']);
    assert.deepEqual([bandOf(view, 'low').paused, bandOf(view, 'high').paused], [true, false]);
    assert.equal(view.tenants.find(({ tenant }) => tenant === 'acme')?.paused, true);
    assert.deepEqual(resumed.paused, ['tenant:acme']);
    assert.deepEqual(await stored(), { paused: ['tenant:acme'] });
    const audited = await query("select actor, details from muster.audit_log where action = 'settings.changed'");
    assert.equal(audited.length, 5);
    await muster.client.resume('tenant:acme');
  });

  it('sets and unsets limits and weights, and stores only what was set', async () => {
    await muster.client.setLimit('graph:single', 3);
    await muster.client.setWeight('acme', 2.5);
    const set = await muster.client.setLimit('user:*', 4);
    const inForce = await stored();
    await muster.client.setLimit('graph:single', null);
    await muster.client.setWeight('acme', null);
    const unset = await muster.client.setLimit('user:*', null);

    assert.deepEqual([set.limits, set.weights], [{ 'graph:single': 3, 'user:*': 4 }, { acme: 2.5 }]);
    assert.deepEqual(inForce, { paused: [], limits: { 'graph:single': 3, 'user:*': 4 }, weights: { acme: 2.5 } });
    assert.deepEqual([unset.limits, unset.weights], [{ 'user:*': 1 }, {}]);
  });

  it('sets what tasks a limit counts, keeps that when the limit changes, and forgets it with the limit', async () => {
    await muster.client.setLimit('graph:single', 3, { while: 'occupying' });
    const lowered = await muster.client.setLimit('graph:single', 2);
    const view = await muster.client.queue({ allTenants: true });
    const counted = await muster.client.setLimit('graph:single', 2, { while: 'open' });
    await muster.client.setLimit('graph:single', 2, { while: 'occupying' });
    await muster.client.setLimit('graph:single', null);
    const anew = await muster.client.setLimit('graph:single', 1);
    await muster.client.setLimit('graph:single', null);

    assert.deepEqual([lowered.limits['graph:single'], lowered.whileOccupying], [2, ['graph:single']]);
    assert.deepEqual(view.limits.map((limit) => [limit.key, limit.while]).toSorted(), [
      ['graph:single', 'occupying'],
      ['user:*', 'open'],
    ]);
    assert.deepEqual([counted.whileOccupying, anew.whileOccupying], [[], []]);
  });

  it('refuses what cannot be used in one sentence and changes nothing', async () => {
    const before = await stored();

    await assert.rejects(muster.client.pause('task:17'), { code: 'option_invalid', message: /band:low, tenant:acme/ });
    await assert.rejects(muster.client.resume('band:urgent'), { code: 'option_invalid' });
    await assert.rejects(muster.client.setLimit('single', 3), { code: 'settings_invalid', message: /"single"/ });
    await assert.rejects(muster.client.setLimit('graph:single', -1), {
      code: 'settings_invalid',
      message: /from 0 to/,
    });
    await assert.rejects(muster.client.setLimit('graph:single', 1.5), { code: 'settings_invalid' });
    await assert.rejects(muster.client.setLimit('graph:single', 1, { while: 'running' as never }), {
      code: 'option_invalid',
      message: /while/,
    });
    await assert.rejects(muster.client.setWeight('acme', 0), { code: 'settings_invalid', message: /0\.01/ });

    assert.deepEqual(await stored(), before);
  });

  it('loses no change of two operators at once', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `graph:g${index}`);

    await Promise.all(names.map((name, index) => muster.client.setLimit(name, index + 1)));
    const { limits } = await muster.client.setLimit('graph:g0', 1);
    await Promise.all(names.map((name) => muster.client.setLimit(name, null)));

    assert.deepEqual(Object.keys(limits).length, names.length + 1);
  });

  it('counts what is deferred, overdue and dead, and what was started in the last minute', async () => {
    script.on('work', failForGood);
    await muster.work({ graphs: Object.values(graphs) });
    const task = await muster.client.submit('single', {}, { user: 'late' });
    await ended(task);
    const startAt = new Date(Date.now() + 3_600_000);
    const later = await muster.client.submit('single', {}, { startAt });
    const late = await muster.client.submit(
      'single',
      {},
      { dependsOn: [later.id], dueAt: new Date(Date.now() - 3_600_000) },
    );

    // A worker that has just begun may be comparing the index still.
    const isWhole = async () => (await muster.client.queue()).index === 'whole';
    await eventually(isWhole, { withinMs: 10_000, what: 'a whole index' });
    const view = await muster.client.queue();

    assert.ok(view.dead >= 1 && view.startsPerMinute >= 1);
    assert.deepEqual([view.deferred, view.overdue, view.blocked], [1, 1, 1]);
    assert.deepEqual([view.unserved, view.unhosted], [[], { tasks: 0, agents: [] }]);
    await late.cancel();
    await later.cancel();
  });

  it('shows which limit is full and what it holds up', async () => {
    const gate = new Gate();
    script.on('work', gate.pass);
    const first = await muster.client.submit('single', {}, { user: 'one' });
    await eventually(() => script.callsOf('work').some(({ taskId }) => taskId === first.id));
    const second = await muster.client.submit('single', {}, { user: 'one' });

    const limit = await eventually(async () => {
      const { limits } = await muster.client.queue();
      const found = limits.find(({ key }) => key === 'user:default/one');
      assert.equal(found?.parked, 1);
      return found;
    });

    assert.deepEqual(limit, { key: 'user:default/one', limit: 1, while: 'open', held: 1, parked: 1 });
    gate.open();
    await Promise.all([first.result(), second.result()]);
  });

  it('starts nothing of a paused graph until it is resumed', async () => {
    await muster.client.pause('graph:single');
    await eventually(async () => (await muster.client.queue()).paused.length === 1);
    const probe = async () => {
      const task = await muster.client.submit('single', {});
      const other = await muster.client.submit('swift', {});
      await other.result();
      return task;
    };
    // A pause counts within two seconds, so what was submitted right after it may have slipped through.
    const held = await eventually(async () => {
      const task = await probe();
      assert.equal((await task.read()).status, 'pending');
      return task;
    });

    const before = await held.read();
    await muster.client.resume('graph:single');
    await held.result();

    assert.equal(before.status, 'pending');
  });
});

function bandOf(view: QueueView, name: string): QueueView['bands'][number] {
  const found = view.bands.find(({ band }) => band === name);
  assert.ok(found !== undefined);
  return found;
}

async function queryAll(
  muster: MusterUnderTest,
  statement: string,
  values: unknown[],
): Promise<Record<string, unknown>[]> {
  const url = new URL(muster.stack.superuserUrl);
  url.pathname = new URL(muster.databaseUrl).pathname;
  return withPostgresql(url.toString(), async (client) => (await client.query(statement, values)).rows);
}
