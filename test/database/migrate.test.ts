import assert from 'node:assert/strict';
import { appendFile, cp, mkdtemp, readdir, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { checkSchema, migrate, migrationStatus } from '../../database/migrate.ts';
import { MIGRATIONS_FOLDER } from '../../database/migration-files.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { type ClonedDatabase, createEmptyDatabase } from '../support/databases.ts';
import { sharedStack } from '../support/stack.ts';

const LATER = '20990101_000000_later';

describe('migrate', () => {
  let database: ClonedDatabase;
  let folder: string;

  beforeEach(async () => {
    database = await createEmptyDatabase(await sharedStack(), 'migrate');
    folder = await mkdtemp(join(tmpdir(), 'muster-migrations-'));
    await cp(MIGRATIONS_FOLDER, folder, { recursive: true });
  });

  afterEach(async function () {
    await rm(folder, { recursive: true });
    if (this.currentTest?.state === 'passed') await database.drop();
  });

  const run = () => migrate({ ownerUrl: database.ownerUrl, folder });
  const addMigration = (source: string, name = LATER) => writeFile(join(folder, `${name}.sql`), source);
  const query = async (sql: string) =>
    withPostgresql(database.superuserUrl, async (client) => (await client.query(sql)).rows);
  const tableExists = async (table: string) => (await query(`select to_regclass('${table}') as oid`))[0].oid !== null;

  it('C044: applies each migration once when several start at once', async () => {
    const results = await Promise.all([run(), run(), run(), run()]);

    const applied = results.flatMap((result) => result.applied);
    const [ledger] = await query(
      'select count(*)::int as rows, count(distinct name)::int as names from muster.schema_migrations',
    );
    assert.ok(applied.length >= 4);
    assert.equal(new Set(applied).size, applied.length);
    assert.deepEqual(ledger, { rows: applied.length, names: applied.length });
    assert.equal(new Set(results.map((result) => result.schemaHash)).size, 1);
  });

  it('changes nothing when it runs again', async () => {
    const first = await run();
    const again = await run();

    assert.deepEqual(again, { applied: [], schemaHash: first.schemaHash });
  });

  it('keeps others waiting behind its locks for two seconds at most, and is applied once they are free', async () => {
    await run();
    await addMigration('alter table muster.tasks add column later int;');
    const held = withPostgresql(database.superuserUrl, async (client) => {
      await client.query('begin; select from muster.tasks limit 1');
      await pause(4_000);
      await client.query('commit');
      return performance.now();
    });
    await pause(200);
    const migrated = run();
    await pause(500);
    await query('select from muster.tasks limit 1');
    const readAt = performance.now();

    assert.deepEqual((await migrated).applied, [LATER]);
    assert.ok(readAt < (await held), 'a reader waited for what the migration waited for');
  });

  it('C044: refuses an applied file that was edited, before anything runs', async () => {
    const { applied } = await run();
    await appendFile(join(folder, `${applied[0]}.sql`), '-- one more word\n');
    await addMigration('create table muster.later (id int primary key);');

    await assert.rejects(run(), { code: 'migration_refused', message: new RegExp(`${applied[0]}.*edited.*SHA-256`) });
    assert.equal(await tableExists('muster.later'), false);
  });

  it('C044: refuses to continue when the file of an applied migration is missing', async () => {
    const { applied } = await run();
    await unlink(join(folder, `${applied[1]}.sql`));

    await assert.rejects(run(), { code: 'migration_refused', message: new RegExp(`${applied[1]}.*missing`) });
  });

  it('C044: leaves no trace of a migration that fails, and keeps those before it', async () => {
    await run();
    await addMigration('create table muster.before (id int primary key);', '20990101_000000_before');
    await addMigration('create table muster.half (id int primary key); select 1 / 0;', '20990102_000000_half');

    await assert.rejects(run(), { code: 'migration_refused', message: /20990102_000000_half.*division by zero/ });
    const names = (await query('select name from muster.schema_migrations')).map((row) => row.name);
    assert.equal(await tableExists('muster.half'), false);
    assert.equal(await tableExists('muster.before'), true);
    assert.equal(names.includes('20990102_000000_half'), false);
    assert.equal(names.includes('20990101_000000_before'), true);
  });

  it('continues with the repaired migration after a failure', async () => {
    await run();
    await addMigration('select 1 / 0;');
    await assert.rejects(run());
    await addMigration('create table muster.later (id int primary key);');

    const { applied } = await run();

    assert.deepEqual(applied, [LATER]);
    assert.equal((await checkSchema({ databaseUrl: database.ownerUrl })).matches, true);
  });

  it('C044: says that the server became unavailable, and not that the migration is wrong, when it ends in the middle', async () => {
    await addMigration('create table muster.later (id int); select pg_terminate_backend(pg_backend_pid());');

    await assert.rejects(run(), { code: 'service_unreachable', retryable: true, message: /terminat/ });

    assert.equal(await tableExists('muster.later'), false);
    await addMigration('create table muster.later (id int);');
    assert.ok((await run()).applied.includes(LATER));
  });

  it('C044: refuses a new file that comes before an applied one, a double version and a malformed name', async () => {
    await run();
    await addMigration('select 1;', '20000101_000000_early');
    await assert.rejects(run(), { message: /20000101_000000_early.*comes before/ });
    await unlink(join(folder, '20000101_000000_early.sql'));

    await addMigration('select 1;', '20990101_000000_one');
    await addMigration('select 1;', '20990101_000000_two');
    await assert.rejects(run(), { message: /20990101_000000_two.*same version/ });
    await unlink(join(folder, '20990101_000000_two.sql'));

    await addMigration('select 1;', 'later');
    await assert.rejects(run(), { message: /later.*malformed/ });
  });

  it('C046: refuses a migration that drops a column and applies nothing', async () => {
    await run();
    await addMigration('create table muster.later (id int); alter table muster.tasks drop column title;');

    await assert.rejects(run(), { code: 'migration_refused', message: /drops a column/ });
    assert.equal(await tableExists('muster.later'), false);
  });

  it('makes the newest published version of a graph the active one, and archives those before it', async () => {
    const later = (await readdir(folder)).filter((name) => name > '20261201_003300');
    for (const name of later) await rename(join(folder, name), join(folder, `${name}.later`));
    await run();
    const versions = [
      ...(['a 1 published', 'a 2 published', 'a 3 draft', 'b 1 published', 'c 1 draft'] as const),
      ...['system/a 1 published', 'system/a 2 published'],
    ];
    for (const each of versions) {
      const [, tenant = 'default', name, version, status] = /^(?:(\w+)\/)?(\w) (\d) (\w+)$/.exec(each) ?? [];
      const at = status === 'draft' ? 'null' : 'now()';
      await query(`insert into muster.agent_graphs (id, tenant_id, name, version, status, published_at, schema_version, width,
        output, definition_hash, task_queue) values
        (gen_random_uuid(), '${tenant}', '${name}', ${version}, '${status}', ${at}, 'v1', 4, '{}', 'hash', 'muster')`);
    }

    for (const name of later) await rename(join(folder, `${name}.later`), join(folder, name));
    await run();

    const rows = await query('select * from muster.agent_graphs order by tenant_id, name, version');
    assert.deepEqual(
      rows.map(({ tenant_id, name, version, status }) => `${tenant_id}/${name} ${version} ${status}`),
      [
        ...[
          'default/a 1 archived',
          'default/a 2 active',
          'default/a 3 draft',
          'default/b 1 active',
          'default/c 1 draft',
        ],
        ...['system/a 1 archived', 'system/a 2 active'],
      ],
    );
  });

  it('lists what it would apply without applying it', async () => {
    const before = await migrationStatus({ ownerUrl: database.ownerUrl, folder });
    await run();
    await addMigration('create table muster.later (id int primary key);');
    const after = await migrationStatus({ ownerUrl: database.ownerUrl, folder });

    assert.deepEqual(before.applied, []);
    assert.deepEqual(after, { applied: before.pending, pending: [LATER] });
    assert.equal(await tableExists('muster.later'), false);
  });

  const DRIFTS: ReadonlyArray<readonly [string, string, RegExp]> = [
    ['a column added manually', 'alter table muster.tasks add column sneaked int', /^\+ column tasks\.sneaked integer/],
    [
      'a column that changed',
      'alter table muster.tasks alter title drop not null',
      /^- column tasks\.title .* not null/,
    ],
    ['an index that is gone', 'drop index muster.tasks_claim_index', /^- index tasks\..*tasks_claim_index/],
    [
      'a check that is gone',
      'alter table muster.tasks drop constraint tasks_status_check',
      /^- constraint tasks\.tasks_status_check/,
    ],
    [
      'a trigger switched off',
      'alter table muster.audit_log disable trigger all',
      /^\+ trigger audit_log.*not enabled/,
    ],
    ['a policy that is gone', 'drop policy tasks_of_tenant on muster.tasks', /^- policy tasks\.tasks_of_tenant/],
    [
      'row security switched off',
      'alter table muster.artifacts no force row level security',
      /^\+ table artifacts row security on$/,
    ],
    ['a right too many', 'grant delete on muster.audit_log to muster_app', /^\+ grant audit_log muster_app: delete/],
    [
      'a function that changed',
      'create or replace function muster.touch_updated_at() returns trigger language plpgsql as $$ begin return new; end $$',
      /^\+ function touch_updated_at/,
    ],
    ['a table added manually', 'create table muster.sneaked (id int)', /^\+ table sneaked/],
  ];
  for (const [what, statement, line] of DRIFTS) {
    it(`C045: names ${what}`, async () => {
      await run();
      await query(statement);

      const check = await checkSchema({ databaseUrl: database.databaseUrl });

      assert.equal(check.matches, false);
      assert.notEqual(check.foundHash, check.expectedHash);
      assert.ok(
        check.differences.some((difference) => line.test(difference)),
        check.differences.join('\n'),
      );
    });
  }

  it('C045: refuses to migrate a schema that was changed manually', async () => {
    await run();
    await query('alter table muster.tasks add column sneaked int');
    await addMigration('create table muster.later (id int primary key);');

    await assert.rejects(run(), { code: 'schema_drift', message: /tasks\.sneaked/ });
    assert.equal(await tableExists('muster.later'), false);
  });

  it('gives every database the same hash, and a database without migrations no match', async () => {
    const other = await createEmptyDatabase(await sharedStack(), 'migrate-other');
    const unmigrated = await checkSchema({ databaseUrl: database.databaseUrl });
    const [one, two] = await Promise.all([run(), migrate({ ownerUrl: other.ownerUrl, folder })]);

    assert.equal(unmigrated.matches, false);
    assert.equal(one.schemaHash, two.schemaHash);
    await other.drop();
  });
});
