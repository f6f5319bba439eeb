import assert from 'node:assert/strict';
import { sql } from 'kysely';
import pg from 'pg';
import { openDatabase } from '../../database/open-orm.ts';
import type { Database } from '../../database/transaction.ts';
import { type ClonedDatabase, cloneDatabase, sharedStack } from '../support/stack.ts';

describe('the connection of a unit of work', () => {
  let clone: ClonedDatabase;
  let database: Database;
  before(async () => {
    clone = await cloneDatabase(await sharedStack(), 'unit client');
    database = openDatabase({ url: clone.databaseUrl, poolSize: 1, applicationName: 'test' });
  });
  after(async () => {
    await database?.close();
    await clone?.drop();
  });

  it('prepares a statement once and uses it again', async () => {
    const run = () =>
      database.inSystem('inspect', async ({ em }) => {
        await sql`select key from muster.system_config where key = ${'any'}`.execute(em.getKysely());
        const prepared = await sql<{ statement: string }>`
          select statement from pg_prepared_statements where name like ${'muster_%'}`.execute(em.getKysely());
        return prepared.rows.filter((row) => row.statement.includes('system_config')).length;
      });

    const counts = [await run(), await run(), await run()];

    assert.deepEqual(counts, [1, 1, 1]);
  });

  it('continues with a new connection when the schema changed under a prepared statement', async () => {
    const columns = () =>
      database.inSystem('inspect', async ({ em }) => {
        await sql`insert into muster.tenants (id) values (${'changed'}) on conflict do nothing`.execute(em.getKysely());
        const found = await sql<object>`select * from muster.tenants where id = ${'changed'}`.execute(em.getKysely());
        return Object.keys(found.rows[0] ?? {}).length;
      });
    const before = await columns();
    const owner = new pg.Client(clone.ownerUrl);
    await owner.connect();
    await owner.query('alter table muster.tenants add column added_meanwhile text');
    await owner.end();

    const afterwards = await columns();

    assert.equal(afterwards, before + 1);
    assert.equal(database.pool().stranded, 0);
  });

  it('gives the reason when a unit of work cannot enter its scope', async () => {
    const outside = new URL(clone.databaseUrl);
    const owner = new pg.Client(clone.ownerUrl);
    await owner.connect();
    await owner.query(`create role unentitled login password 'unentitled'`);
    outside.username = 'unentitled';
    outside.password = 'unentitled';
    const stranger = openDatabase({ url: outside.toString(), poolSize: 1, applicationName: 'test' });

    const unit = stranger.inTenant('default', ({ em }) => sql`select ${1}::int`.execute(em.getKysely()));

    await assert.rejects(unit, /permission denied to set role "muster_app"/);
    await stranger.close();
    await owner.query('drop role unentitled');
    await owner.end();
  });
});
