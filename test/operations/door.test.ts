import assert from 'node:assert/strict';
import type { ClientStores } from '../../client/open-stores.ts';
import { openClientStores } from '../../client/open-stores.ts';
import { hasErrorCode } from '../../domain/errors.ts';
import { callOperation } from '../../operations/call.ts';
import { ALL_PERMISSIONS, type Caller, type Permission } from '../../operations/caller.ts';
import type { Operation } from '../../operations/define.ts';
import { OPERATIONS } from '../../operations/register.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { Script } from '../system/acceptance/script.ts';

/** What no field of any operation takes, as text, number, list or object. */
const GARBAGE: readonly unknown[] = ['\u0000', '', -1.5, Number.NaN, [null], { a: () => 1 }, null, 1n, Symbol('x')];

describe('the door', function () {
  this.timeout(120_000);
  const graphs = scriptedGraphs(new Script());
  let muster: MusterUnderTest;
  let stores: ClientStores;
  before(async () => {
    muster = await openMuster('the door');
    stores = await openClientStores({ environment: muster.environment });
    await muster.client.publish([graphs.single]);
    await muster.client.submit('single', {});
  });
  after(async () => {
    await stores?.close();
    await muster?.close();
  });

  const caller = (permissions: ReadonlySet<Permission>, kind: Caller['kind'] = 'agent'): Caller => ({
    kind,
    name: 'visitor',
    tenant: stores.tenant,
    permissions,
  });
  const call = (operation: (typeof OPERATIONS)[number], input: unknown, by: Caller = caller(ALL_PERMISSIONS)) =>
    callOperation(operation as unknown as Operation<string, object>, { caller: by, stores }, input);
  const rows = (statement: string, values: unknown[] = []) => query(muster, statement, values);
  const everything = async () => {
    const tables = [
      'tasks',
      'audit_log',
      'outbox',
      'system_config',
      'agent_graphs',
      'agent_messages',
      'operation_keys',
    ];
    const counts = tables.map((table) => `'${table}', (select jsonb_agg(t.* order by t::text) from muster.${table} t)`);
    return (await rows(`select jsonb_build_object(${counts.join(', ')}) as all`))[0]?.all;
  };

  it('refuses garbage in every field of every operation in one sentence, and changes nothing', async () => {
    const before = await everything();

    for (const operation of OPERATIONS) {
      for (const field of Object.keys(operation.input)) {
        for (const value of GARBAGE) await assertHarmless(() => call(operation, { [field]: value }), operation.name);
      }
    }

    assert.deepEqual(await everything(), before);
  });

  it('lets a caller do what it is permitted and nothing else', async () => {
    const before = await everything();

    for (const operation of OPERATIONS) {
      const others = new Set([...ALL_PERMISSIONS].filter((permission) => permission !== operation.permission));
      const unread = { ...operation, parse: () => ({}) } as unknown as typeof operation;
      await assert.rejects(call(unread, {}, caller(others)), (error: unknown) => {
        assert.ok(hasErrorCode(error) && error.code === 'permission_denied', `${operation.name}: ${String(error)}`);
        assert.equal(
          error.message,
          `The agent "visitor" may not call ${operation.name}: it lacks the permission ${operation.permission}.`,
        );
        return true;
      });
    }

    assert.deepEqual(await everything(), before);
  });

  it('is reached through a method of the client for every operation', () => {
    const namespaces = muster.client.operations as unknown as Record<string, Record<string, unknown>>;

    for (const { name } of OPERATIONS) {
      const [domain = '', verb = ''] = name.split('.');
      assert.equal(typeof namespaces[domain]?.[verb], 'function', name);
    }
  });

  it('leaves one audit row for each write, in the name of its caller', async () => {
    const ada = muster.client.as('ada');
    const { id } = await ada.submit('single', {});
    await ada.task(id).pause();
    await ada.task(id).resume();
    await ada.task(id).cancel();
    await ada.pause('band:low');
    await ada.resume('band:low');
    await ada.setLimit('graph:single', 2);
    await ada.setWeight('acme', 2);
    await ada.publish([graphs.swift]);
    await ada.operations.retention.enforce({});

    const audited = await rows(`select action from muster.audit_log where actor = 'ada' order by created_at, action`);

    assert.deepEqual(
      audited.map(({ action }) => action),
      [
        ...['task.submitted', 'task.paused', 'task.resumed', 'task.cancelled'],
        ...['settings.changed', 'settings.changed', 'settings.changed', 'settings.changed'],
        ...['graph.published', 'retention.enforced'],
      ],
    );
  });

  it('takes times as ISO 8601 texts, as JSON has them', async () => {
    const startAt = '2999-01-01T00:00:00Z';

    const { id, status } = await muster.client.operations.tasks.submit({
      graph: 'single',
      input: {},
      startAt: startAt as unknown as Date,
    });

    assert.equal(status, 'deferred');
    assert.equal((await muster.client.task(id).read()).startAt?.toISOString(), '2999-01-01T00:00:00.000Z');
  });

  it('says whether the stores answer', async () => {
    const status = await muster.client.operations.system.status({});

    assert.deepEqual(
      status.map(({ name, answers, reason }) => ({ name, answers, reason })),
      ['postgresql', 'redis', 'temporal'].map((name) => ({ name, answers: true, reason: null })),
    );
  });

  it('counts what retention would remove, and removes nothing in a dry run', async () => {
    const before = await everything();

    const report = await muster.client.operations.retention.report({});
    const dry = await muster.client.operations.retention.enforce({ dryRun: true });

    assert.deepEqual(dry, report);
    assert.deepEqual(await everything(), before);
  });
});

async function assertHarmless(work: () => Promise<unknown>, name: string): Promise<void> {
  await work().then(
    (answer) => answer,
    (error: unknown) => {
      assert.ok(hasErrorCode(error), `${name}: ${String(error)}`);
      // An invalid graph has a line for each of its faults.
      if (error.code !== 'graph_invalid') assert.doesNotMatch(error.message, /\n/, name);
    },
  );
}

async function query(
  muster: MusterUnderTest,
  statement: string,
  values: unknown[],
): Promise<Record<string, unknown>[]> {
  const url = new URL(muster.stack.superuserUrl);
  url.pathname = new URL(muster.databaseUrl).pathname;
  return withPostgresql(url.toString(), async (client) => (await client.query(statement, values)).rows);
}
