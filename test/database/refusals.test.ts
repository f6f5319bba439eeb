import assert from 'node:assert/strict';
import { sql } from 'kysely';
import { openDatabase } from '../../database/open-orm.ts';
import type { Database, Transaction } from '../../database/transaction.ts';
import { SystemConfig } from '../../entities/system/system-config.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { type ClonedDatabase, cloneDatabase } from '../support/databases.ts';
import { sharedStack } from '../support/stack.ts';

const select1 = ({ em }: Transaction) => sql`select 1`.execute(em.getKysely());
const write = (database: Database, key: string, value: number) =>
  database.inSystem('inspect', async ({ em }) => void em.create(SystemConfig, { key, value }));
const read = (database: Database, key: string) =>
  database.inSystem('inspect', async ({ em }) => (await em.findOne(SystemConfig, { key }))?.value ?? null);

describe('a unit of work on a server that refuses', () => {
  let small: ClonedDatabase;
  const pools: Database[] = [];

  beforeEach(async () => {
    small = await cloneDatabase(await sharedStack(), 'little room');
  });
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((database) => database.close()));
    await small.drop();
  });

  const open = (options: { poolSize?: number; transactionTimeoutMs?: number } = {}) => {
    const database = openDatabase({ url: small.databaseUrl, applicationName: 'little room', ...options });
    pools.push(database);
    return database;
  };
  const alter = async (change: string) => {
    const { superuserUrl } = await sharedStack();
    await withPostgresql(superuserUrl, (client) => client.query(`alter database "${small.name}" ${change}`));
  };

  it('makes do with the three connections that the server gives', async () => {
    const database = open({ poolSize: 10 });
    await alter('connection limit 3');

    const units = Array.from({ length: 200 }, () =>
      database.inSystem('inspect', ({ em }) => sql`select pg_sleep(0.01)`.execute(em.getKysely())),
    );

    await Promise.all(units);
    assert.deepEqual(database.pool(), { ...database.pool(), inTransaction: 0, stranded: 0 });
  });

  it('ends at its deadline with database_overloaded when no connection is left', async () => {
    const holder = open({ poolSize: 1 });
    const gate = Promise.withResolvers<void>();
    await holder.inSystem('inspect', select1);
    await alter('connection limit 1');
    const held = holder.inSystem('inspect', () => gate.promise);

    await assert.rejects(open({ transactionTimeoutMs: 2_000 }).inSystem('inspect', select1), {
      code: 'database_overloaded',
      message: /no room left .*too many connections/,
    });
    gate.resolve();
    await held;
  });

  it('waits until the server takes writes again, on connections of before the change too', async () => {
    const database = open({ poolSize: 2, transactionTimeoutMs: 4_000 });
    await database.inSystem('inspect', select1);
    await alter('set default_transaction_read_only = on');
    const readOnly = open({ poolSize: 1, transactionTimeoutMs: 2_000 });
    await assert.rejects(write(readOnly, 'read-only', 1), { code: 'database_read_only', message: /takes no writes/ });
    const patient = open({ poolSize: 1 });
    await patient.inSystem('inspect', select1);

    const writing = write(patient, 'patient', 1);
    await alter('reset default_transaction_read_only');
    await writing;

    assert.equal(await read(database, 'patient'), 1);
  });

  it('says what was refused, and by which table', async () => {
    const database = open();

    await assert.rejects(
      database.inSystem('inspect', ({ em }) =>
        sql`insert into muster.tenants (id) values (null)`.execute(em.getKysely()),
      ),
      { code: 'write_refused', table: 'tenants', sqlState: '23502', message: /refused what was written in tenants: / },
    );
  });
});
