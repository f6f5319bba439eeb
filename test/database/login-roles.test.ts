import assert from 'node:assert/strict';
import { sql } from 'kysely';
import { migrate } from '../../database/migrate.ts';
import { openDatabase } from '../../database/open-orm.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { createEmptyDatabase } from '../support/databases.ts';
import { type PrivateStack, startPrivateStack } from '../support/stack.ts';

describe('the roles of the program, on a cluster that knows none of them', () => {
  let stack: PrivateStack;

  before(async () => {
    stack = await startPrivateStack({ only: ['postgresql'] });
  });

  after(() => stack.close());

  const members = () =>
    withPostgresql(stack.superuserUrl, async (client) => {
      const { rows } =
        await client.query(`select l.rolname as login, string_agg(g.rolname, ' ' order by g.rolname) as roles
        from pg_auth_members m join pg_roles g on g.oid = m.roleid join pg_roles l on l.oid = m.member
        where g.rolname like 'muster%' group by 1 order by 1`);
      return Object.fromEntries(rows.map((row) => [row.login, row.roles]));
    });

  it('C044: are made once when several databases are migrated at the same time', async () => {
    const databases = await Promise.all([1, 2, 3, 4].map((number) => createEmptyDatabase(stack, `roles ${number}`)));

    const results = await Promise.all(databases.map(({ ownerUrl }) => migrate({ ownerUrl })));

    assert.equal(new Set(results.map((result) => result.schemaHash)).size, 1);
    assert.deepEqual(await members(), { muster: 'muster_app muster_system', muster_owner: 'muster_app muster_system' });
  });

  it('are taken on by any login that is named, and by a superuser who owns everything', async () => {
    const database = await createEmptyDatabase(stack, 'superuser');
    await withPostgresql(stack.superuserUrl, (client) => client.query("create role web login password 'web'"));

    await migrate({ ownerUrl: database.superuserUrl, appLogins: ['web', 'nobody'] });

    const web = new URL(database.databaseUrl);
    web.username = 'web';
    web.password = 'web';
    for (const url of [web.toString(), database.superuserUrl]) {
      const opened = openDatabase({ url, applicationName: 'roles test', poolSize: 1 });
      const visible = (tenant: string) =>
        opened.inTenant(
          tenant,
          async ({ em }) => (await sql`select id from muster.tenants`.execute(em.getKysely())).rows,
        );
      assert.deepEqual(await visible('default'), [{ id: 'default' }]);
      assert.deepEqual(await visible(''), []);
      await opened.close();
    }
  });

  it('are missed with a sentence that says so where the owner may not make roles', async () => {
    const other = await startPrivateStack({ only: ['postgresql'] });
    try {
      await withPostgresql(other.superuserUrl, (client) => client.query('alter role muster_owner nocreaterole'));
      const database = await createEmptyDatabase(other, 'no createrole');

      await assert.rejects(migrate({ ownerUrl: database.ownerUrl }), {
        code: 'migration_refused',
        message: /roles_and_policies.*permission denied to create role/,
      });
    } finally {
      await other.close();
    }
  });
});
