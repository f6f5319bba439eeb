import assert from 'node:assert/strict';
import { IsolationLevel } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { ormOptions } from '../../database/open-orm.ts';
import { UnitDialect } from '../../database/unit-driver.ts';
import { type Unit, UnitPool } from '../../database/unit-pool.ts';
import { Task } from '../../entities/tasks/task.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { type ClonedDatabase, cloneDatabase } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { sharedStack } from '../support/stack.ts';

const SCOPE = "set local role muster_app; set local app.tenant = 'red'; set local search_path = muster, public";
const FREE = { inTransaction: 0, stranded: 0 };

describe('the connections of units of work', () => {
  let clone: ClonedDatabase;
  let pool: UnitPool;
  let orm: MikroORM;

  beforeEach(async () => {
    clone ??= await cloneDatabase(await sharedStack(), 'unit pool');
    pool = new UnitPool({ connectionString: clone.databaseUrl, max: 2, application_name: 'unit pool test' });
    orm = new MikroORM({ ...ormOptions(clone.databaseUrl), driverOptions: new UnitDialect(pool) });
  });
  afterEach(async () => {
    await orm.close(true);
    await pool.end();
  });
  after(() => clone?.drop());

  const inUnit = <Result>(work: (unit: Unit) => Promise<Result>, single = false) =>
    pool.run({ scope: SCOPE, single }, work);
  const facts = sql<{ role: string; tenant: string; level: string }>`select current_user as role,
    current_setting('app.tenant', true) as tenant, current_setting('transaction_isolation') as level`;
  const killAll = () =>
    withPostgresql(clone.superuserUrl, (client) =>
      client.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'unit pool test'"),
    );

  describe('without a scope', () => {
    it('refuses every statement and every transaction outside a unit of work', async () => {
      const em = orm.em.fork();
      const reached = /units of work only/;

      await assert.rejects(async () => facts.execute(em.getKysely()), reached);
      await assert.rejects(async () => em.execute('select 1'), reached);
      await assert.rejects(async () => em.begin(), reached);
      await assert.rejects(async () => em.count(Task), reached);
      assert.deepEqual(pool.state(), { total: 0, idle: 0, ...FREE });
    });

    it('refuses a statement that leaves the transaction of its unit of work, and the unit continues', async () => {
      const found = await inUnit(async () => {
        const em = orm.em.fork();
        await em.begin();
        await assert.rejects(async () => facts.execute(em.fork().getKysely()), /uses one connection/);
        const { rows } = await facts.execute(em.getKysely());
        await em.commit();
        return rows[0];
      });

      assert.equal(found?.role, 'muster_app');
      assert.deepEqual(pool.state(), { ...pool.state(), ...FREE });
    });

    it('refuses a statement before the transaction of its unit of work has begun', async () => {
      await inUnit(async () => {
        await assert.rejects(async () => facts.execute(orm.em.fork().getKysely()), /outside the transaction/);
      });
    });
  });

  for (const [level, name] of [
    [undefined, 'read committed'],
    [IsolationLevel.REPEATABLE_READ, 'repeatable read'],
    [IsolationLevel.SERIALIZABLE, 'serializable'],
  ] as const) {
    it(`sends the scope with a transaction that is ${name}`, async () => {
      const found = await inUnit(() =>
        orm.em.fork().transactional(async (em) => (await facts.execute(em.getKysely())).rows[0], {
          ...(level === undefined ? {} : { isolationLevel: level }),
        }),
      );

      assert.deepEqual(found, { role: 'muster_app', tenant: 'red', level: name });
    });
  }

  it('keeps the scope through a savepoint that is rolled back', async () => {
    const found = await inUnit(() =>
      orm.em.fork().transactional(async (em) => {
        await em.transactional((inner) => sql`select 1 / 0`.execute(inner.getKysely())).catch(() => undefined);
        return (await facts.execute(em.getKysely())).rows[0];
      }),
    );

    assert.deepEqual(found, { role: 'muster_app', tenant: 'red', level: 'read committed' });
  });

  it('counts a held connection as the unit of work that holds it', async () => {
    await inUnit(() =>
      orm.em.fork().transactional(async (em) => {
        await facts.execute(em.getKysely());
        assert.deepEqual(pool.state(), { total: 1, idle: 0, inTransaction: 1, stranded: 0 });
      }),
    );

    assert.deepEqual(pool.state(), { total: 1, idle: 1, ...FREE });
  });

  it('takes back what a unit of work still holds at its end, failed or not', async () => {
    await inUnit(async () => orm.em.fork().begin());
    await assert.rejects(
      inUnit(async () => {
        await orm.em.fork().begin();
        throw new Error('on purpose');
      }),
      /on purpose/,
    );

    assert.deepEqual(pool.state(), { total: 0, idle: 0, ...FREE });
  });

  it('gives a connection back that dies inside a transaction, and serves the next units with others', async () => {
    const dying = inUnit(() =>
      orm.em.fork().transactional(async (em) => {
        await facts.execute(em.getKysely());
        await killAll();
        await eventually(() => pool.state().total === 0);
        await facts.execute(em.getKysely());
      }),
    );

    await assert.rejects(dying);
    assert.deepEqual(pool.state(), { total: 0, idle: 0, ...FREE });
    for (let unit = 0; unit < 5; unit += 1) {
      await inUnit(() => orm.em.fork().transactional((em) => facts.execute(em.getKysely())));
    }
    assert.deepEqual(pool.state(), { total: 1, idle: 1, ...FREE });
  });

  it('leaves the death of a free connection to the pool', async () => {
    await inUnit(() => orm.em.fork().transactional((em) => facts.execute(em.getKysely())));

    await killAll();

    await eventually(() => pool.state().total === 0);
    assert.deepEqual(pool.state(), { total: 0, idle: 0, ...FREE });
  });

  it('cuts the statement under way of a unit of work whose time is over', async () => {
    await inUnit(async (unit) => {
      const sleeping = orm.em.fork().transactional((em) => sql`select pg_sleep(60)`.execute(em.getKysely()));
      await eventually(() => pool.state().inTransaction === 1);
      unit.end(new Error('too late'));
      await assert.rejects(sleeping);
    });

    assert.deepEqual(pool.state(), { total: 0, idle: 0, ...FREE });
  });

  it('takes back a connection that comes when its unit of work is over', async () => {
    const gate = Promise.withResolvers<void>();
    let late: Promise<unknown> = Promise.resolve();
    await inUnit(async () => {
      late = gate.promise.then(() => pool.connect());
      late.catch(() => undefined);
    });

    gate.resolve();

    await assert.rejects(late, /ended before it got a connection/);
    assert.deepEqual(pool.state(), { total: 1, idle: 1, ...FREE });
  });

  it('asks for no further connection for a while after the server gave none', async () => {
    const hold = () =>
      inUnit(() =>
        orm.em.fork().transactional(async (em) => {
          await facts.execute(em.getKysely());
          pool.holdSize();
          return pool.options.max;
        }),
      );

    assert.equal(await hold(), 1);
    const both = Promise.all([hold(), hold()]);
    assert.deepEqual(await both, [1, 1]);
    assert.equal(pool.state().total, 1);
  });
});
