import assert from 'node:assert/strict';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { openDatabase } from '../../database/open-orm.ts';
import type { Database, Transaction } from '../../database/transaction.ts';
import { SystemConfig } from '../../entities/system/system-config.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { type ClonedDatabase, cloneDatabase } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { sharedStack } from '../support/stack.ts';
import { startProxy } from '../support/tcp-proxy.ts';

const raise = (state: string) => sql.raw(`do $$ begin raise exception 'on purpose' using errcode = '${state}'; end $$`);

describe('a unit of work', () => {
  let clone: ClonedDatabase;
  const opened: Database[] = [];

  before(async () => {
    clone = await cloneDatabase(await sharedStack(), 'transaction');
  });

  after(async () => {
    await Promise.all(opened.map((database) => database.close()));
    await clone.drop();
  });

  const open = (options: { url?: string; poolSize?: number; transactionTimeoutMs?: number; name?: string } = {}) => {
    const { url = clone.databaseUrl, name = 'transaction test', ...rest } = options;
    const database = openDatabase({ url, applicationName: name, ...rest });
    opened.push(database);
    return database;
  };
  const select1 = ({ em }: Transaction) => sql`select 1`.execute(em.getKysely());
  const write = (database: Database, key: string, value: number) =>
    database.inSystem('inspect', async ({ em }) => void em.create(SystemConfig, { key, value }));
  const read = (database: Database, key: string) =>
    database.inSystem('inspect', async ({ em }) => (await em.findOne(SystemConfig, { key }))?.value ?? null);

  it('commits what it wrote and rolls back what failed', async () => {
    const database = open();
    const failure = new Error('on purpose');

    await write(database, 'kept', 1);
    const failing = database.inSystem('inspect', async ({ em }) => {
      em.create(SystemConfig, { key: 'gone', value: 2 });
      await em.flush();
      throw failure;
    });

    await assert.rejects(failing, failure);
    assert.equal(await read(database, 'kept'), 1);
    assert.equal(await read(database, 'gone'), null);
  });

  it('shows the server its role, its tenant or purpose and its limits, for this transaction only', async () => {
    const database = open({ poolSize: 1, transactionTimeoutMs: 4_000 });
    const facts = ({ em }: Transaction) =>
      sql<Record<string, string>>`select current_user as role, current_setting('app.tenant') as tenant,
        current_setting('app.purpose') as purpose, current_setting('statement_timeout') as "limit"`.execute(
        em.getKysely(),
      );

    const [tenant] = (await database.inTenant('red', facts)).rows;
    const [system] = (await database.inSystem('retention', facts)).rows;

    assert.deepEqual({ ...tenant, limit: '' }, { role: 'muster_app', tenant: 'red', purpose: 'tenant', limit: '' });
    assert.deepEqual({ ...system, limit: '' }, { role: 'muster_system', tenant: '', purpose: 'retention', limit: '' });
    assert.match(tenant?.limit ?? '', /^4\d{3}ms$|^4500ms$/);
  });

  it('binds parameters of hand-written SQL instead of writing them into the text', async () => {
    const database = open();
    const text = "it's \\ $1 ? ; drop table muster.tasks; --";

    const { rows } = await database.inSystem('inspect', ({ em }) =>
      sql<{ value: string; query: string }>`select ${text}::text as value, current_query() as query`.execute(
        em.getKysely(),
      ),
    );

    assert.equal(rows[0]?.value, text);
    assert.ok(rows[0]?.query.includes('$1') && !rows[0].query.includes('drop table'));
  });

  for (const state of ['40001', '40P01', '57P01', '57P02', '57P03', '08006', '53100', '53300', '25006', '57014']) {
    it(`runs again as a whole, on a fresh entity manager, after ${state}`, async () => {
      const database = open();
      const managers = new Set<SqlEntityManager>();

      await database.inSystem('inspect', async ({ em }) => {
        managers.add(em);
        em.create(SystemConfig, { key: `again-${state}`, value: managers.size });
        if (managers.size < 3) await raise(state).execute(em.getKysely());
      });

      assert.equal(managers.size, 3);
      assert.equal(await read(database, `again-${state}`), 3);
    });
  }

  it('tells the log why it runs again', async () => {
    const lines: unknown[] = [];
    const log = { warn: (facts: unknown, message: string) => void lines.push([facts, message]) };
    const database = openDatabase({ url: clone.databaseUrl, applicationName: 'log test', log });
    opened.push(database);
    let runs = 0;

    await database.inSystem('inspect', async ({ em }) => {
      runs += 1;
      if (runs === 1) await raise('40001').execute(em.getKysely());
    });

    const line = 'a database transaction failed with a transient error; retrying';
    assert.deepEqual(lines, [[{ attempt: 1, reason: 'on purpose' }, line]]);
  });

  for (const [state, code] of [
    ['23505', 'write_refused'],
    ['P0001', 'write_refused'],
    ['22012', 'write_refused'],
    ['42P01', '42P01'],
  ] as const) {
    it(`does not run again after ${state}`, async () => {
      let runs = 0;

      await assert.rejects(
        open().inSystem('inspect', async ({ em }) => {
          runs += 1;
          await raise(state).execute(em.getKysely());
        }),
        { code },
      );
      assert.equal(runs, 1);
    });
  }

  it('C6: brings two units through that deadlock on each other', async () => {
    const database = open();
    await write(database, 'left', 0);
    await write(database, 'right', 0);
    let runs = 0;
    const arrivals = Promise.withResolvers<void>();
    let arrived = 0;
    const bump = (keys: [string, string]) =>
      database.inSystem('inspect', async ({ em }) => {
        runs += 1;
        const add = (key: string) =>
          sql`update muster.system_config set value = to_jsonb(value::int + 1) where key = ${key}`.execute(
            em.getKysely(),
          );
        await add(keys[0]);
        arrived += 1;
        if (arrived === 2) arrivals.resolve();
        await arrivals.promise;
        await add(keys[1]);
      });

    await Promise.all([bump(['left', 'right']), bump(['right', 'left'])]);

    assert.ok(runs >= 3, `${runs} runs`);
    assert.deepEqual([await read(database, 'left'), await read(database, 'right')], [2, 2]);
  });

  it('ends at its deadline with transaction_timed_out, on the server too', async () => {
    const database = open({ transactionTimeoutMs: 300, name: 'deadline test' });
    const started = performance.now();

    await assert.rejects(
      database.inSystem('inspect', ({ em }) => sql`select pg_sleep(60)`.execute(em.getKysely())),
      {
        code: 'transaction_timed_out',
        facts: { timeoutMs: 300, attempts: 1 },
      },
    );

    assert.ok(performance.now() - started < 2_000);
    assert.equal(database.pool().stranded, 0);
    const active = `select 1 from pg_stat_activity where application_name = 'deadline test' and query ~ 'pg_sleep'
      and state = 'active'`;
    await eventually(() =>
      withPostgresql(clone.superuserUrl, async (client) => (await client.query(active)).rowCount === 0),
    );
    await database.inSystem('inspect', select1);
  });

  it('ends at its deadline also where the unit waits for something else', async () => {
    const database = open({ transactionTimeoutMs: 200, poolSize: 1 });

    await assert.rejects(
      database.inSystem('inspect', () => new Promise(() => undefined)),
      { code: 'transaction_timed_out' },
    );
    await database.inSystem('inspect', select1);
  });

  it('C7: waits for a free connection no longer than its deadline', async () => {
    const database = open({ transactionTimeoutMs: 400, poolSize: 2 });
    const started = performance.now();
    const forever = () => new Promise<never>(() => undefined);

    const results = await Promise.allSettled(Array.from({ length: 20 }, () => database.inSystem('inspect', forever)));

    assert.deepEqual(
      new Set(results.map((one) => one.status === 'rejected' && one.reason.code)),
      new Set(['transaction_timed_out']),
    );
    assert.ok(performance.now() - started < 2_000);
    await database.inSystem('inspect', select1);
    assert.equal(database.pool().stranded, 0);
  });

  it('C4: fails at its deadline behind a half-open connection and works again afterwards', async () => {
    const proxy = await startProxy({ targetPort: Number(new URL(clone.databaseUrl).port) });
    const url = new URL(clone.databaseUrl);
    url.port = String(proxy.port);
    const database = open({ url: url.toString(), transactionTimeoutMs: 500, poolSize: 3 });
    try {
      await Promise.all([1, 2, 3].map(() => database.inSystem('inspect', select1)));
      proxy.set('blackHole');
      const results = await Promise.allSettled([1, 2, 3, 4].map(() => database.inSystem('inspect', select1)));
      proxy.set('pass');

      assert.deepEqual(
        results.map((result) => result.status === 'rejected' && result.reason.code),
        Array(4).fill('transaction_timed_out'),
      );
      await database.inSystem('inspect', select1);
      await database.ping();
      assert.equal(database.pool().stranded, 0);
    } finally {
      await database.close();
      await proxy.close();
    }
  });

  it('sends begin, its scope and the first statement without waiting in between', async () => {
    const proxy = await startProxy({ targetPort: Number(new URL(clone.databaseUrl).port) });
    const url = new URL(clone.databaseUrl);
    url.port = String(proxy.port);
    const database = open({ url: url.toString(), poolSize: 1 });
    const time = async (work: () => Promise<unknown>) => {
      const started = performance.now();
      await work();
      return performance.now() - started;
    };
    try {
      await database.inSystem('inspect', async () => undefined);
      proxy.set({ delayMs: 150, jitterMs: 0 });
      const one = await time(() => database.ping());
      const unit = await time(() => database.inSystem('inspect', select1));

      assert.ok(one >= 150, `${one} ms`);
      assert.ok(unit / one > 1.5 && unit / one < 2.7, `${unit} ms are ${unit / one} round trips: expected two`);
    } finally {
      await database.close();
      await proxy.close();
    }
  });

  it('pings a server that answers and says why one does not', async () => {
    const url = new URL(clone.databaseUrl);
    url.port = '1';

    await open().ping();
    await assert.rejects(open({ url: url.toString() }).ping(), {
      code: 'service_unreachable',
      message: /^PostgreSQL at \S+:1\/\S+ does not answer: .*ECONNREFUSED.* `muster status`/,
    });
  });

  it('names the last failure when the server stays unavailable until the deadline', async () => {
    const url = new URL(clone.databaseUrl);
    url.port = '1';
    const database = open({ url: url.toString(), transactionTimeoutMs: 300 });

    await assert.rejects(database.inSystem('inspect', select1), {
      code: 'service_unreachable',
      message: /ECONNREFUSED/,
    });
  });

  it('waits for running units when closed, refuses new ones, and may be closed twice', async () => {
    const database = open();
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const running = database.inSystem('inspect', () => {
      begun.resolve();
      return gate.promise;
    });
    await begun.promise;

    const closing = Promise.all([database.close(), database.close()]);
    gate.resolve();
    await Promise.all([running, closing]);

    await assert.rejects(database.inSystem('inspect', select1), { name: 'DatabaseClosed' });
    assert.equal(database.pool().total, 0);
  });
});
