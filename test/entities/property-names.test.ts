import assert from 'node:assert/strict';
import { MikroORM } from '@mikro-orm/postgresql';
import { ormOptions } from '../../database/open-orm.ts';
import { columnNameOf, propertyNameOf } from '../../entities/property-names.ts';

describe('the names of columns and properties', () => {
  const orm = new MikroORM(ormOptions('postgres://nobody@127.0.0.1:1/none'));
  const columns = [...orm.getMetadata()].flatMap(({ tableName, props }) =>
    props.map(({ name, fieldNames, runtimeType }) => ({ tableName, name, column: fieldNames[0] ?? '', runtimeType })),
  );

  it('lead to each other, for every property of every entity', () => {
    for (const { name, column } of columns) {
      assert.deepEqual([columnNameOf(name), propertyNameOf(column)], [column, name]);
    }
  });

  it('say which columns are numbers: nothing else has their names', () => {
    for (const { column } of columns.filter(({ runtimeType }) => runtimeType === 'number')) {
      for (const other of columns.filter((one) => one.column === column)) {
        assert.equal(other.runtimeType, 'number', `${other.tableName}.${column}`);
      }
    }
  });
});
