import assert from 'node:assert/strict';
import { sql } from 'kysely';
import { openDatabase } from '../../database/open-orm.ts';
import type { Database } from '../../database/transaction.ts';
import { constant } from '../../entities/insert-from.ts';
import { givenList, givenRows, givenValue } from '../../entities/statements/given-values.ts';
import { Statement, statements } from '../../entities/statements/statement.ts';
import { type ClonedDatabase, cloneDatabase } from '../support/databases.ts';
import { planOf } from '../support/explain.ts';
import { sharedStack } from '../support/stack.ts';

interface Setting {
  readonly configKey: string;
  readonly value: unknown;
  readonly writtenAt: Date | null;
}

const WRITE = new Statement(
  {
    settings: givenRows<Setting>({ configKey: 'text', value: 'jsonb', writtenAt: 'timestamptz' }),
    prefix: givenValue<string | null>('text'),
  },
  ({ settings, prefix }) =>
    statements
      .with('given', () => settings)
      .insertInto('system_config')
      .columns(['key', 'value', 'description', 'updatedAt'])
      .expression((eb) =>
        eb
          .selectFrom('given as g')
          .select((eb) => [
            ...(['g.configKey', 'g.value'] as const),
            eb.fn<string>('concat', [prefix, eb.ref('g.ord'), constant("'s \\ row", 'text')]).as('text'),
            eb.fn.coalesce('g.writtenAt', eb.fn<Date>('now')).as('writtenAt'),
          ]),
      )
      .returning(['key', 'value', 'description', 'updatedAt']),
);

const REMOVE = new Statement({ keys: givenList<string>('text') }, ({ keys }) =>
  statements.deleteFrom('system_config').where((eb) => eb('key', '=', eb.fn.any(keys))),
);

const LISTS = new Statement({ objects: givenList<unknown>('jsonb'), object: givenValue<unknown>('jsonb') }, (given) =>
  statements.selectNoFrom([given.objects.as('objects'), given.object.as('oneObject')]),
);

describe('a compiled statement', () => {
  let clone: ClonedDatabase;
  let database: Database;

  before(async () => {
    clone = await cloneDatabase(await sharedStack(), 'statements');
    database = openDatabase({ url: clone.databaseUrl, applicationName: 'statements test' });
  });

  after(async () => {
    await database.close();
    await clone.drop();
  });

  it('writes the rows that each run is given, and returns them by the names of properties', async () => {
    const writtenAt = new Date('2026-01-02T03:04:05.678Z');
    const first = { configKey: 'first', value: { quote: `it's "quoted"` }, writtenAt };
    const second = { configKey: 'second', value: ['a', null], writtenAt: null };

    const settings = [first, { ...second, unknown: 'left out' }];
    const written = await database.inSystem('configure', ({ em }) => WRITE.run(em, { settings, prefix: 'row ' }));
    const other = await database.inSystem('configure', ({ em }) =>
      WRITE.run(em, { settings: [{ ...first, configKey: 'third' }], prefix: null }),
    );

    assert.deepEqual(
      written.map(({ updatedAt, ...row }) => row),
      [
        { key: 'first', value: first.value, description: "row 1's \\ row" },
        { key: 'second', value: second.value, description: "row 2's \\ row" },
      ],
    );
    assert.deepEqual(new Date(written[0]?.updatedAt ?? 0), writtenAt);
    assert.deepEqual([other[0]?.key, other[0]?.description], ['third', "1's \\ row"]);
  });

  it('says how many rows it removed', async () => {
    const settings = ['red', 'blue'].map((configKey) => ({ configKey, value: 1, writtenAt: null }));
    await database.inSystem('configure', ({ em }) => WRITE.run(em, { settings, prefix: null }));

    const remove = (keys: readonly string[]) => database.inSystem('configure', ({ em }) => REMOVE.change(em, { keys }));

    assert.deepEqual([await remove(['red', 'blue', 'green']), await remove(['red']), await remove([])], [2, 0, 0]);
  });

  it('takes any JSON, and null as null', async () => {
    const objects = [{ a: 1 }, [1, 'two'], 'text', null];
    const [lists] = await database.inSystem('inspect', ({ em }) => LISTS.run(em, { objects, object: ['x'] }));
    const [none] = await database.inSystem('inspect', ({ em }) => LISTS.run(em, { objects: [], object: null }));

    assert.deepEqual(lists, { objects, oneObject: ['x'] });
    assert.deepEqual(none, { objects: [], oneObject: null });
  });

  it('lets PostgreSQL expect one row where a few are given, and many where more are', async () => {
    const given = (count: number) =>
      Array.from({ length: count }, (_, number) => ({ configKey: `key-${number}`, value: 1, writtenAt: null }));
    const planFor = (count: number) =>
      planOf(database, (em) => WRITE.run(em, { settings: given(count), prefix: null }));

    assert.match(await planFor(10), /Function Scan .* rows=1 /);
    assert.match(await planFor(11), /Function Scan .* rows=100 /);
  });

  it('sends what it is given, and its constants within its text', async () => {
    const binds = await database.inSystem('configure', async ({ em }) => {
      await WRITE.run(em, { settings: [], prefix: null });
      const { rows } = await sql<{ count: number }>`select distinct cardinality(parameter_types) as count
        from pg_prepared_statements where statement like '%jsonb_to_recordset%system_config%'`.execute(em.getKysely());
      return rows;
    });

    assert.deepEqual(binds, [{ count: 2 }]);
  });

  it('is one prepared statement, whatever it is given', async () => {
    const prepared = await database.inSystem('inspect', async ({ em }) => {
      for (const keys of [[], ['a'], ['a', 'b']]) await REMOVE.change(em, { keys });
      const result = await sql<{ count: string }>`select count(*) from pg_prepared_statements
        where statement like 'delete from "system_config"%'`.execute(em.getKysely());
      return result.rows;
    });

    assert.deepEqual(prepared, [{ count: '1' }]);
  });
});
