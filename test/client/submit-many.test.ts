import assert from 'node:assert/strict';
import { openDatabase } from '../../database/open-orm.ts';
import type { Database } from '../../database/transaction.ts';
import { SYSTEM_TENANT } from '../../domain/ids.ts';
import { connect } from '../../index.ts';
import { publishGraphs } from '../../operations/graphs/publish-graphs.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { Script } from '../system/acceptance/script.ts';
import { startCommitCutter } from '../system/faults/commit-cutter.ts';

const items = (count: number, options: (index: number) => object = () => ({})) =>
  Array.from({ length: count }, (_, index) => ({ input: { index }, ...options(index) }));

describe('many tasks in one submit', () => {
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('submit-many');
    await muster.client.publish([scriptedGraphs(new Script()).single, scriptedGraphs(new Script()).mixed]);
  });
  after(() => muster?.close());

  const query = <Row>(text: string, values: unknown[] = []) =>
    withPostgresql(
      muster.stack.superuserUrl.replace(/\/[^/]*$/, `/${new URL(muster.databaseUrl).pathname.slice(1)}`),
      async (client) => {
        const { rows } = await client.query(text, values);
        return rows as Row[];
      },
    );
  const count = async () => Number((await query<{ n: number }>('select count(*)::int as n from muster.tasks'))[0]?.n);

  it('takes 10,000 in one call, in order, with one outbox row for each thousand', async () => {
    const before = await count();

    const tasks = await muster.client.submitMany(
      'single',
      items(10_000, (index) => ({ title: `t${index}` })),
    );

    assert.equal((await count()) - before, 10_000);
    assert.equal(new Set(tasks.map(({ id }) => id)).size, 10_000);
    const [seventh] = await query<{ title: string; created: boolean }>(
      'select title, created_at <= now() as created from muster.tasks where id = $1',
      [tasks[7_000]?.id],
    );
    assert.deepEqual(seventh, { title: 't7000', created: true });
    const [outbox] = await query<{ rows: number; named: number }>(
      `select count(*)::int as rows, sum(jsonb_array_length(payload -> 'taskIds'))::int as named from muster.outbox`,
    );
    assert.deepEqual(outbox, { rows: 10, named: 10_000 });
  });

  it('writes nothing when one of them is refused: by its input, an option, its key, or what it depends on', async () => {
    const before = await count();
    await muster.client.submit('single', { index: 'first' }, { key: 'taken' });
    const bad: [object, string][] = [
      [{ input: 'text' }, 'input_invalid'],
      [{ priority: 'urgent' }, 'option_invalid'],
      [{ deadlineAt: new Date(0) }, 'option_invalid'],
      [{ prio: 'high' }, 'option_invalid'],
      [{ key: 'taken' }, 'idempotency_conflict'],
      [{ dependsOn: ['00000000-0000-7000-8000-000000000000'] }, 'input_invalid'],
      [{ input: { text: 'x'.repeat(10_000_001) } }, 'input_too_large'],
    ];
    for (const [fault, code] of bad) {
      const call = muster.client.submitMany(
        'single',
        items(1_500, (index) => (index === 1_200 ? fault : {})),
      );
      await assert.rejects(call, { code }, JSON.stringify(fault).slice(0, 80));
    }
    await assert.rejects(muster.client.submitMany('single', items(10_001)), { code: 'option_invalid' });
    await assert.rejects(
      muster.client.submitMany(
        'single',
        items(3, () => ({ priority: 'urgent' })),
      ),
      {
        message: /: item 0: `priority` must be one of high, normal, low, found "urgent"\. Nothing was done\.$/,
      },
    );
    await assert.rejects(muster.client.submitMany('mixed', [{ input: { urgent: true } }, { input: {} }]), {
      message: /item 1: it must have required property 'urgent'/,
    });

    assert.equal(await count(), before + 1);
  });

  it('finds what earlier submits wrote under the same keys, and the same key twice in one call', async () => {
    const first = await muster.client.submitMany(
      'single',
      items(5, (index) => ({ key: `known-${index}` })),
    );
    const before = await count();

    const again = await muster.client.submitMany(
      'single',
      items(8, (index) => ({ key: `known-${index}` })),
    );
    const twice = await muster.client.submitMany('single', [
      { input: { same: 1 }, key: 'twice' },
      { input: { same: 1 }, key: 'twice' },
    ]);

    assert.deepEqual(
      again.slice(0, 5).map(({ id, duplicate }) => [id, duplicate]),
      first.map(({ id }) => [id, true]),
    );
    assert.deepEqual(
      again.slice(5).map(({ duplicate }) => duplicate),
      [false, false, false],
    );
    assert.equal(twice[0]?.id, twice[1]?.id);
    assert.deepEqual(
      twice.map(({ duplicate }) => duplicate),
      [false, true],
    );
    assert.equal(await count(), before + 4);
    await assert.rejects(
      muster.client.submitMany('single', [
        { input: { same: 1 }, key: 'thrice' },
        { input: { same: 2 }, key: 'thrice' },
      ]),
      { code: 'idempotency_conflict' },
    );
  });

  it('C001: writes each task once, and answers for it, when answers to its COMMIT are lost', async () => {
    const url = new URL(muster.databaseUrl);
    const cutter = await startCommitCutter(Number(url.port));
    url.port = String(cutter.port);
    const client = await connect({ environment: { ...muster.environment, MUSTER_DATABASE_URL: url.toString() } });
    const before = await count();
    cutter.cutEvery(2);

    const answers = [];
    for (let call = 0; call < 8; call += 1) answers.push(...(await client.submitMany('single', items(50))));
    cutter.cutEvery(0);
    await client.close();
    await cutter.close();

    assert.ok(cutter.lostAnswers >= 2, `only ${cutter.lostAnswers} answers were lost`);
    assert.equal(new Set(answers.map(({ id }) => id)).size, 400);
    assert.ok(answers.every(({ duplicate }) => !duplicate));
    assert.equal((await count()) - before, 400);
  });

  it('takes an empty list for nothing to do', async () => {
    assert.deepEqual(await muster.client.submitMany('single', []), []);
  });

  it('gives each its own keys and priority, whatever its neighbours have', async () => {
    const of = [
      { user: 'ann' },
      { user: 'ann', priority: 'high' },
      { user: 'bob', priority: 'high' },
      { user: 'ann', concurrencyKey: 'press' },
      { user: 'ann' },
      {},
    ] as const;

    const tasks = await muster.client.submitMany(
      'single',
      items(of.length, (index) => of[index] ?? {}),
    );

    const rows = await query<{ user: string | null; priority: number; own: string[] }>(
      `select user_id as user, priority, array(select k from unnest(concurrency_keys) k where k ~ '^(user|key):') as own
        from muster.tasks where id = any ($1) order by array_position($1, id)`,
      [tasks.map(({ id }) => id)],
    );
    const [ann, bob, press] = ['user:default/ann', 'user:default/bob', 'key:default/press'];
    assert.deepEqual(
      rows.map(({ user, own }) => [user, ...own]),
      [['ann', ann], ['ann', ann], ['bob', bob], ['ann', ann, press], ['ann', ann], [null]],
    );
    const [normal, high] = rows.map(({ priority }) => priority);
    assert.notEqual(normal, high);
    assert.deepEqual(
      rows.map(({ priority }) => priority),
      [normal, high, high, normal, normal, normal],
    );
  });

  it('keeps large inputs, times and dependencies of each item', async () => {
    const [first] = await muster.client.submitMany('single', items(1));
    assert.ok(first !== undefined);
    const dueAt = new Date(Date.now() + 60_000);

    const [large, deferred, blocked] = await muster.client.submitMany('single', [
      { input: { text: 'x'.repeat(20_000) } },
      { input: {}, startAt: dueAt, dueAt, deadlineAt: new Date(dueAt.getTime() + 1_000), concurrencyKey: 'mine' },
      { input: {}, dependsOn: [first.id, first.id], user: 'u-1' },
    ]);

    assert.deepEqual([large?.status, deferred?.status, blocked?.status], ['pending', 'deferred', 'blocked']);
    const [size] = await query<{ size: number }>('select size_bytes as size from muster.artifacts where task_id = $1', [
      large?.id,
    ]);
    assert.ok((size?.size ?? 0) > 20_000);
    const [row] = await query<{ keys: string[] }>('select concurrency_keys as keys from muster.tasks where id = $1', [
      deferred?.id,
    ]);
    assert.deepEqual(row?.keys, ['tenant:default', 'graph:single', 'agent:slow-step', 'key:default/mine']);
    const read = await deferred?.read();
    assert.deepEqual([read?.startAt, read?.dueAt], [dueAt, dueAt]);
    const pairs = await query('select from muster.task_dependencies where task_id = $1', [blocked?.id]);
    assert.equal(pairs.length, 1);
  });

  describe('that come as single calls at the same moment', () => {
    it('share statements, and a bad neighbour fails alone', async () => {
      await muster.client.submit('single', { index: -1 }, { key: 'neighbour' });
      // The client knows the graph for two seconds; meanwhile it is taken away behind everybody's back.
      await muster.client.publish([scriptedGraphs(new Script()).wide]);
      await muster.client.submit('wide', {});
      await query(`set session_replication_role = replica; delete from muster.tasks where graph_name = 'wide';
        delete from muster.agent_graphs where name = 'wide'`);
      const before = await count();
      const [{ n: rowsBefore }] = (await query('select count(*)::int as n from muster.outbox')) as [{ n: number }];

      const calls = items(300).map(({ input }) => {
        if (input.index === 100) return muster.client.submit('single', input, { key: 'neighbour' });
        if (input.index === 200) return muster.client.submit('wide', input);
        return muster.client.submit('single', input, { key: `single-${input.index}` });
      });
      const results = await Promise.allSettled(calls);

      const failed = results.flatMap((result, index) =>
        result.status === 'rejected' ? [[index, result.reason.code]] : [],
      );
      assert.deepEqual(failed, [
        [100, 'idempotency_conflict'],
        [200, 'write_refused'],
      ]);
      assert.equal((await count()) - before, 298);
      const [{ n: rowsAfter }] = (await query('select count(*)::int as n from muster.outbox')) as [{ n: number }];
      assert.ok(rowsAfter - rowsBefore < 40, `${rowsAfter - rowsBefore} outbox rows are no sharing`);
    });

    it('are one task under one key', async () => {
      const before = await count();

      const tasks = await Promise.all(
        Array.from({ length: 100 }, () => muster.client.submit('single', { one: 1 }, { key: 'one' })),
      );

      assert.equal(new Set(tasks.map(({ id }) => id)).size, 1);
      assert.equal(tasks.filter(({ duplicate }) => !duplicate).length, 1);
      assert.equal((await count()) - before, 1);
    });
  });

  it('takes an input for its JSON: two dates under one key are two inputs, and what JSON cannot keep is refused', async () => {
    const submit = (input: object) => muster.client.submit('single', input as never, { key: 'at' });
    const first = await submit({ at: new Date('2026-11-29T10:00:00Z'), none: undefined });

    const again = await submit({ at: '2026-11-29T10:00:00.000Z' });
    const stored = await query<{ input: object }>('select input from muster.tasks where id = $1', [first.id]);

    assert.deepEqual([again.id, again.duplicate], [first.id, true]);
    assert.deepEqual(stored, [{ input: { at: '2026-11-29T10:00:00.000Z' } }]);
    await assert.rejects(submit({ at: new Date('2026-11-30T10:00:00Z') }), { code: 'idempotency_conflict' });
    const deep = JSON.parse(`${'{"a":'.repeat(6_000)}1${'}'.repeat(6_000)}`);
    for (const [input, found] of [
      [{ rows: [{ n: 1n }] }, /\/rows\/0\/n must be .*found a BigInt\.$/],
      [{ seen: new Set(['a']) }, /\/seen must be .*found a Set\.$/],
      [{ text: 'a\u0000' }, /\/text must be .*found a text with a NUL character\.$/],
      [deep, /\/a\/a.* must be .*found a value more than 500 levels deep\.$/],
    ] as const) {
      await assert.rejects(submit(input), { code: 'input_invalid', message: found });
    }
  });

  it('refuses a graph of another tenant for the whole statement', async () => {
    const database: Database = openDatabase({ url: muster.databaseUrl, poolSize: 1, applicationName: 'test' });
    const definitions = [scriptedGraphs(new Script()).wide.definition];
    await publishGraphs(database, { tenant: SYSTEM_TENANT, taskQueue: muster.taskQueue, definitions });
    await database.close();
    const other = await muster.connect({ tenant: 'other' });

    const tasks = await other.submitMany('wide', items(3));

    assert.equal(tasks.length, 3);
    await assert.rejects(other.submitMany('single', items(3)), { code: 'graph_unknown' });
  });
});
