import assert from 'node:assert/strict';
import { validate, version } from 'uuid';
import { newId } from '../../database/new-id.ts';

describe('the ids of new rows', () => {
  it('are UUIDs of version 7 in the order in which they are made, none of them twice', () => {
    const ids = Array.from({ length: 10_000 }, () => newId());

    assert.ok(ids.every((id) => validate(id) && version(id) === 7));
    assert.deepEqual(ids.toSorted(), ids);
    assert.equal(new Set(ids).size, ids.length);
  });

  it('name the moment at which they are made', () => {
    const before = Date.now();
    const at = Number.parseInt(newId().replaceAll('-', '').slice(0, 12), 16);

    assert.ok(at >= before && at <= Date.now());
  });
});
