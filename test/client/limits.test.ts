import assert from 'node:assert/strict';
import { z } from 'zod';
import { openDatabase } from '../../database/open-orm.ts';
import { gcra, slidingLog } from '../../domain/limits/rate-limit.ts';
import { SettingsRepository } from '../../entities/system/settings-repository.ts';
import { defineAgent, defineGraph, hasErrorCode, type Muster } from '../../index.ts';
import { LimitSettingsSource } from '../../operations/limits/limit-settings-source.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';

const echo = defineAgent({ name: 'limit-echo', input: z.object({}), output: z.object({}), handle: () => ({}) });
const graph = defineGraph({
  name: 'limit-echo',
  input: z.object({}),
  nodes: { echo: { agent: echo, input: {} } },
  output: '/nodes/echo',
});

describe('limits of a client', function () {
  this.timeout(60_000);
  let muster: MusterUnderTest;
  let client: Muster;
  before(async () => {
    muster = await openMuster('client limits');
    client = muster.client;
    await client.publish([graph]);
  });
  after(() => muster?.close());

  const isLimited = (error: unknown): boolean => {
    assert.ok(hasErrorCode(error) && error.code === 'rate_limited', String(error));
    const { facts } = error as unknown as { facts: Record<string, unknown> };
    assert.deepEqual([facts.deniedBy, facts.limit, facts.remaining], ['endpoint:submit', 3, 0]);
    assert.ok(Number(facts.retryAfterMs) > 3_000_000);
    return true;
  };

  it('answers, looks, tells and forgets', async () => {
    const call = { user: 'ada', endpoint: 'admin' };
    for (let count = 0; count < 5; count += 1) assert.equal((await client.limits.take(call)).allowed, true);

    assert.equal((await client.limits.check(call)).allowed, false);
    assert.deepEqual(
      (await client.limits.status(call)).map(({ name, remaining }) => [name, remaining]),
      [['endpoint:admin', 0]],
    );
    assert.equal(await client.limits.reset(call), true);
    assert.equal((await client.limits.take(call)).remaining, 4);
    assert.ok(client.limits.counters.allowed >= 6);
  });

  it('a change counts in another program within two seconds, is kept, and is in the audit log', async () => {
    const other = await muster.connect();
    const call = { user: 'bob', endpoint: 'changing' };
    assert.equal((await other.limits.check(call)).limit, 60);

    await client.limits.set('endpoint:changing', gcra({ limit: 7, perSeconds: 60 }));
    await client.limits.setTier({ user: 'bob' }, 'pro');
    const changed = performance.now();

    assert.equal((await client.limits.check(call)).limit, 14);
    await eventually(async () => (await other.limits.check(call)).limit === 14, { withinMs: 4_000 });
    assert.ok(performance.now() - changed < 2_500, `${performance.now() - changed} ms`);
    assert.equal((await other.limits.settings()).limits['endpoint:changing']?.limit, 7);
    await client.limits.setTier({ user: 'bob' }, null);
    await client.limits.set('endpoint:changing', 'default');
    assert.equal((await client.limits.check(call)).limit, 60);
    const rows = await audits();
    assert.deepEqual(rows, ['settings.changed', 'settings.changed', 'settings.changed', 'settings.changed']);
  });

  it('a change that cannot be used changes nothing', async () => {
    const before = await client.limits.settings();

    await assert.rejects(client.limits.set('endpoint:x', slidingLog({ limit: 0.5, perSeconds: 1 })), /sliding log/);
    await assert.rejects(client.limits.setTier({ tenant: 'acme' }, 'gold'), /no known tier/);

    assert.deepEqual(await client.limits.settings(), before);
  });

  it('lets submits pass until a limit for them is set, and then refuses before anything is written', async () => {
    for (let count = 0; count < 5; count += 1) await client.submit('limit-echo', {}, { user: 'eve' });
    await client.limits.set('endpoint:submit', slidingLog({ limit: 3, perSeconds: 3_600 }));
    try {
      for (let count = 0; count < 3; count += 1) await client.submit('limit-echo', {}, { user: 'eve' });
      const written = (await client.tasks({ limit: 500 })).length;

      await assert.rejects(client.submit('limit-echo', {}, { user: 'eve' }), isLimited);

      assert.equal((await client.tasks({ limit: 500 })).length, written);
      await client.submit('limit-echo', {}, { user: 'mallory' });
      const batch = Array.from({ length: 3 }, () => ({ input: {}, user: 'mallory' }));
      await assert.rejects(client.submitMany('limit-echo', batch), /endpoint:submit/);
      assert.equal((await client.tasks({ limit: 500 })).length, written + 1);
      assert.equal((await client.submitMany('limit-echo', batch.slice(1))).length, 2);
    } finally {
      await client.limits.set('endpoint:submit', 'default');
    }
  });

  it('C054: cools a command down and executes an idempotency key once', async () => {
    const daily = { user: 'ada', command: 'daily' };

    assert.deepEqual(
      [(await client.limits.cooldown(daily)).allowed, (await client.limits.cooldown(daily)).allowed],
      [true, false],
    );
    assert.deepEqual(
      [(await client.limits.once('k1')).allowed, (await client.limits.once('k1')).allowed],
      [true, false],
    );
    const tenant = await muster.connect({ tenant: 'elsewhere' });
    assert.equal((await tenant.limits.once('k1')).allowed, true);
  });

  it('a row that somebody wrote wrongly leaves the last good settings, and says so once', async () => {
    const database = openDatabase({ url: muster.databaseUrl, poolSize: 2, applicationName: 'test' });
    const warnings: string[] = [];
    const log = { warn: (facts: { fault?: unknown }) => void warnings.push(String(facts.fault)) };
    const source = new LimitSettingsSource({ database, log: log as never });
    const good = await source.current();
    await database.inSystem('configure', ({ em }) =>
      new SettingsRepository(em).change('limits', () => ({ limits: { 'endpoint:auth': 'five' } })),
    );

    await eventually(async () => {
      await source.current();
      return warnings.length > 0;
    });
    const warned = performance.now();
    await eventually(async () => {
      assert.equal(await source.current(), good);
      return performance.now() - warned > 2_200;
    });

    assert.match(warnings[0] ?? '', /endpoint:auth: limit/);
    assert.equal(warnings.length, 1);
    await database.inSystem('configure', ({ em }) => new SettingsRepository(em).change('limits', () => ({})));
    await database.close();
  });

  it('counts the processes that hold a lease', async () => {
    const database = openDatabase({ url: muster.databaseUrl, poolSize: 2, applicationName: 'test' });
    const source = new LimitSettingsSource({ database });
    await source.current();
    assert.equal(source.liveProcesses(), 1);
    await muster.work({ graphs: [graph] });
    await muster.work({ graphs: [graph] });

    await eventually(async () => {
      await source.current();
      return source.liveProcesses() === 2;
    });

    await database.close();
  });

  function audits(): Promise<string[]> {
    return withPostgresql(muster.ownerUrl, async (connection) => {
      await connection.query("begin; set local role muster_system; set local app.purpose = 'inspect'");
      const { rows } = await connection.query("select action from muster.audit_log where subject_id = 'limits'");
      await connection.query('commit');
      return rows.map(({ action }) => String(action));
    });
  }
});
