import assert from 'node:assert/strict';
import { sql } from 'kysely';
import { openDatabase } from '../../database/open-orm.ts';
import type { Database, Transaction } from '../../database/transaction.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { type ClonedDatabase, cloneDatabase } from '../support/databases.ts';
import { sharedStack } from '../support/stack.ts';
import { insertSampleRows, insertSampleSlot, sampleIds } from './sample-rows.ts';

/** Every table whose rows have a tenant. The test compares it with the catalogue, so a new table cannot be forgotten. */
const TABLES = [
  ...['activity_effects', 'agent_components', 'agent_graphs', 'agent_heartbeats', 'agent_leases', 'agent_messages'],
  ...[
    'agent_runs',
    'agent_templates',
    'agent_traces',
    'agents',
    'approvals',
    'artifacts',
    'audit_log',
    'budget_reservations',
  ],
  ...[
    'budgets',
    'canaries',
    'component_connections',
    'component_templates',
    'concurrency_slots',
    'conversation_turns',
    'conversations',
    'eval_runs',
    'eval_scores',
    'grant_uses',
    'grants',
    'graph_requirements',
    'model_calls',
    'offered_tools',
    'operation_keys',
    'outbox',
    'provider_keys',
    'run_waits',
  ],
  ...[
    'task_dependencies',
    'task_forks',
    'task_messages',
    'tasks',
    'tenants',
    'tool_calls',
    'tool_policies',
    'tool_sources',
    'trace_events',
  ],
];
const SHARED = new Set([
  'agents',
  'agent_heartbeats',
  'agent_leases',
  'agent_graphs',
  'agent_components',
  'component_connections',
  'component_templates',
  'agent_templates',
  'offered_tools',
  'tool_sources',
]);
const WITHOUT_TENANT = ['retention_policies', 'schema_migrations', 'schema_state', 'system_config'];

const tenantColumn = (table: string) => (table === 'tenants' ? 'id' : 'tenant_id');

describe('row-level security', () => {
  let clone: ClonedDatabase;
  let database: Database;

  before(async () => {
    clone = await cloneDatabase(await sharedStack(), 'tenants');
    database = openDatabase({ url: clone.databaseUrl, applicationName: 'tenants test', poolSize: 1 });
    for (const tenant of ['red', 'blue', 'system']) {
      const ids = sampleIds(tenant);
      await database.inTenant(tenant, (tx) => insertSampleRows(tx, ids));
      await database.inSystem('inspect', (tx) => insertSampleSlot(tx, ids));
    }
  });

  after(async () => {
    await database.close();
    await clone.drop();
  });

  /** The tenants whose rows of a table are visible. */
  const visibleTenants = async ({ em }: Transaction, table: string) => {
    const column = sql.ref(tenantColumn(table));
    const found = await sql<{ tenant: string }>`select distinct ${column} as tenant from ${sql.table(table)}`.execute(
      em.getKysely(),
    );
    return found.rows.map((row) => row.tenant).sort();
  };

  it('covers every table of the schema, forced', async () => {
    const tables = await withPostgresql(clone.superuserUrl, async (client) => {
      const { rows } = await client.query(`select relname, relrowsecurity and relforcerowsecurity as forced
        from pg_class where relnamespace = 'muster'::regnamespace and relkind in ('r', 'p') order by relname`);
      return rows;
    });

    const bare = tables.filter((table) => !table.forced).map((table) => table.relname);
    const covered = tables.filter((table) => table.forced).map((table) => table.relname);
    assert.deepEqual(bare, WITHOUT_TENANT);
    assert.deepEqual(covered, TABLES);
  });

  for (const table of TABLES) {
    it(`S9: shows of ${table} a tenant's own rows, without a tenant none, and to system work all`, async () => {
      const shared = SHARED.has(table) ? ['system'] : [];
      const seen: Record<string, string[]> = {};
      for (const tenant of ['red', 'blue', '', 'red', 'nobody']) {
        seen[tenant] = await database.inTenant(tenant, (tx) => visibleTenants(tx, table));
      }
      const all = await database.inSystem('inspect', (tx) => visibleTenants(tx, table));

      assert.deepEqual(seen, {
        red: ['red', ...shared],
        blue: ['blue', ...shared],
        '': shared,
        nobody: shared,
      });
      for (const tenant of ['red', 'blue', 'system']) assert.ok(all.includes(tenant), tenant);
    });

    it(`S9: lets no tenant change or take rows of another in ${table}`, async () => {
      const column = tenantColumn(table);
      const attempt = (statement: string) =>
        database.inTenant('red', async ({ em }) => {
          const { numAffectedRows } = await sql.raw(statement).execute(em.getKysely());
          return Number(numAffectedRows);
        });
      const refusal = /permission denied|row-level security|violates|only grows/;

      for (const victim of ['blue', 'system']) {
        for (const statement of [
          `update muster.${table} set ${column} = ${column} where ${column} = '${victim}'`,
          `delete from muster.${table} where ${column} = '${victim}'`,
        ]) {
          const affected = await attempt(statement).catch((error) => {
            assert.match(String(error), refusal);
            return 0;
          });
          assert.equal(affected, 0, statement);
        }
      }
      await assert.rejects(attempt(`update muster.${table} set ${column} = 'blue' where ${column} = 'red'`), refusal);
    });
  }

  it('S9: refuses a row written for another tenant', async () => {
    const foreign = database.inTenant('red', (tx) => insertSampleRows(tx, sampleIds('blue')));

    await assert.rejects(foreign, /row-level security/);
  });

  it('S9: leaves neither tenant nor role on the connection after a unit of work that failed', async () => {
    const failure = new Error('on purpose');
    await assert.rejects(
      database.inTenant('red', () => Promise.reject(failure)),
      failure,
    );
    await assert.rejects(database.inTenant('red', ({ em }) => sql`select 1 / 0`.execute(em.getKysely())));

    assert.deepEqual(await database.inTenant('', (tx) => visibleTenants(tx, 'tasks')), []);
    assert.equal(database.pool().total, 1);
  });

  it('gives the login of the program no right outside a unit of work', async () => {
    await withPostgresql(clone.databaseUrl, async (client) => {
      for (const table of [...TABLES, ...WITHOUT_TENANT]) {
        await assert.rejects(client.query(`select 1 from muster.${table}`), /permission denied/, table);
      }
    });
  });

  for (const login of ['owner', 'superuser'] as const) {
    it(`binds units of work also where the program connects as the ${login}`, async () => {
      const url = login === 'owner' ? clone.ownerUrl : clone.superuserUrl;
      const same = openDatabase({
        url: inDatabase(url, clone.databaseUrl),
        applicationName: 'tenants test',
        poolSize: 1,
      });

      try {
        assert.deepEqual(await same.inTenant('red', (tx) => visibleTenants(tx, 'tasks')), ['red']);
        assert.deepEqual(await same.inTenant('', (tx) => visibleTenants(tx, 'tasks')), []);
      } finally {
        await same.close();
      }
    });
  }

  it('lets the program neither change the ledger nor empty a table', async () => {
    const attempt = (statement: string) =>
      database.inSystem('inspect', ({ em }) => sql.raw(statement).execute(em.getKysely()));

    await attempt('select 1 from muster.schema_migrations');
    for (const table of [...TABLES, ...WITHOUT_TENANT]) {
      await assert.rejects(attempt(`truncate muster.${table} cascade`), /permission denied/, table);
    }
    for (const table of ['schema_migrations', 'schema_state']) {
      await assert.rejects(attempt(`delete from muster.${table}`), /permission denied/, table);
    }
  });
});

function inDatabase(url: string, other: string): string {
  const changed = new URL(url);
  changed.pathname = new URL(other).pathname;
  return changed.toString();
}
