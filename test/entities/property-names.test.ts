import assert from 'node:assert/strict';
import { MikroORM } from '@mikro-orm/postgresql';
import { ormOptions } from '../../database/orm-options.ts';
import { columnNameOf, propertyNameOf } from '../../entities/property-names.ts';

describe('the names of columns and properties', () => {
  const orm = new MikroORM(ormOptions('postgres://nobody@127.0.0.1:1/none'));
  const columns = [...orm.getMetadata()].flatMap(({ tableName, props }) =>
    props.map(({ name, fieldNames, columnTypes, runtimeType }) => {
      const isMoment = columnTypes[0]?.startsWith('timestamptz') === true;
      return { tableName, name, column: fieldNames[0] ?? '', read: isMoment ? 'moment' : runtimeType };
    }),
  );

  it('lead to each other, for every property of every entity', () => {
    for (const { name, column } of columns) {
      assert.deepEqual([columnNameOf(name), propertyNameOf(column)], [column, name]);
    }
  });

  it('say how a column is read: moments and numbers have names that nothing else has', () => {
    const special = columns.filter(({ read }) => read === 'moment' || read === 'number');
    for (const { column, read } of special) {
      for (const other of columns.filter((one) => one.column === column)) {
        assert.equal(other.read, read, `${other.tableName}.${column}`);
      }
    }
  });
});
