import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MIGRATIONS_FOLDER, readMigrations } from '../../database/migration-files.ts';
import { lintMigration, stripText } from '../../database/migration-lint.ts';

const REFUSED = [
  'drop table muster.tasks;',
  'DROP   TABLE if exists muster.tasks cascade;',
  'drop schema muster cascade;',
  'alter table muster.tasks drop column title;',
  'alter table muster.tasks drop title;',
  'alter table muster.tasks add column a int, drop column b;',
  'alter table muster.tasks alter column title type varchar(10);',
  'alter table muster.tasks alter title set data type text;',
  'alter table muster.tasks alter column title set not null;',
  'alter table muster.tasks rename to jobs;',
  'alter table muster.tasks rename column title to name;',
  'alter table muster.tasks rename title to name;',
  'truncate muster.tasks;',
  'truncate table muster.tasks;',
  'delete from muster.tasks;',
  "update muster.tasks set title = 'where';",
  'alter table muster.tasks disable row level security;',
  'alter table muster.audit_log disable trigger all;',
  'select 1; commit; select 2;',
  '/* fine */ drop /* hidden */ table muster.tasks;',
  'do $$ begin drop table muster.tasks; end $$;',
  'do language plpgsql $x$ begin delete from muster.tasks; end $x$;',
  'select 1 as a$b$; drop table muster.tasks; select 2 as c$b$;',
  'select $$harmless$$; drop table muster.tasks;',
  "select 'it''s'; drop table muster.tasks;",
  "select e'it\\'s'; drop table muster.tasks;",
];

const ALLOWED = [
  'create table muster.x (id int primary key);',
  'alter table muster.tasks add column note text null;',
  'alter table muster.tasks drop constraint tasks_priority_check;',
  'alter table muster.tasks alter column title drop not null;',
  'alter table muster.tasks alter column title drop default;',
  '-- drop table muster.tasks;',
  "comment on table muster.tasks is 'drop table muster.tasks;';",
  '/* drop table a; /* truncate b; */ delete from c; */ select 1;',
  'create function muster.f() returns trigger language plpgsql as $$ begin delete from muster.x; return null; end $$;',
  'create function muster.f() returns void language sql as $body$ truncate muster.x; select $$a$$; $body$;',
  'create trigger t before update or delete or truncate on muster.x for each statement execute function muster.f();',
  'do $$ begin create role someone; exception when others then null; end $$;',
  'delete from muster.outbox where sent_at is not null;',
  "update muster.tasks set title = 'a' where id is null;",
  'grant select, update, delete on muster.x to muster_app;',
  'create table muster.y (id int references muster.x (id) on update cascade on delete cascade);',
  'alter table muster.x add column "drop column" int;',
];

describe('the lint of migrations', () => {
  for (const source of REFUSED) {
    it(`C046: refuses ${source}`, () => {
      assert.notDeepEqual(lintMigration(source), []);
    });
  }

  for (const source of ALLOWED) {
    it(`lets through ${source}`, () => {
      assert.deepEqual(lintMigration(source), []);
    });
  }

  it('lets every migration through that ships', async () => {
    const migrations = await readMigrations(MIGRATIONS_FOLDER);

    assert.ok(migrations.length >= 4);
    for (const { name, source } of migrations) assert.deepEqual(lintMigration(source), [], name);
  });

  it('finds a forbidden statement behind any text that only looks like code', () => {
    const word = fc.constantFrom('a', "''", ';', '--', '/*', '*/', '$', '"', ' ', '\n', 'drop table x');
    const text = fc.array(word, { maxLength: 8 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, text, text, (comment, string, body) => {
        const quoted = string.replaceAll("'", "''");
        const source =
          `-- ${comment.replaceAll('\n', ' ')}\nselect '${quoted}', $t$${body}$t$, "${string.replaceAll('"', '""')}";\n` +
          'drop table muster.tasks;';

        assert.equal(lintMigration(source).length, 1, stripText(source));
      }),
    );
  });
});
