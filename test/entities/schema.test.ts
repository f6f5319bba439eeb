import assert from 'node:assert/strict';
import { MikroORM } from '@mikro-orm/postgresql';
import { ormOptions } from '../../database/open-orm.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { type ClonedDatabase, cloneDatabase } from '../support/databases.ts';
import { sharedStack } from '../support/stack.ts';

/** Foreign keys over two columns, which only the migrations know: their names say what they hold. */
const TWO_COLUMN_KEY = /^alter table \S+ drop constraint "\w+_of_(tenant|graph)"$/;

describe('the entities', () => {
  let database: ClonedDatabase;

  before(async () => {
    database = await cloneDatabase(await sharedStack(), 'entities');
  });

  after(() => database.drop());

  /** What the mapper would change to make the database agree with the entities. */
  async function differences(): Promise<string[]> {
    const options = ormOptions(database.ownerUrl);
    const skipTables = ['schema_migrations', 'schema_state'];
    const orm = new MikroORM({ ...options, schemaGenerator: { ...options.schemaGenerator, skipTables } });
    try {
      const statements = (await orm.schema.getUpdateSchemaSQL({ wrap: false })).split(';').map((text) => text.trim());
      return statements.filter((statement) => statement !== '' && !TWO_COLUMN_KEY.test(statement));
    } finally {
      await orm.close(true);
    }
  }

  it('agree with what the migrations make of an empty database', async () => {
    assert.deepEqual(await differences(), []);
  });

  it('disagree with a database in which a column, a check and an index changed', async () => {
    await withPostgresql(database.ownerUrl, (client) =>
      client.query(`begin; alter table muster.tasks add column sneaked int;
        alter table muster.tasks drop constraint tasks_priority_check; drop index muster.tasks_claim_index; commit`),
    );

    const found = (await differences()).join('\n');

    assert.match(found, /sneaked/);
    assert.match(found, /tasks_priority_check/);
    assert.match(found, /tasks_claim_index/);
  });
});
