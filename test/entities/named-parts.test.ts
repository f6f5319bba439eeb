import assert from 'node:assert/strict';
import type { QueryCreator } from 'kysely';
import { named } from '../../entities/statements/named-parts.ts';

const queues = named.with('open', (q) => q.selectFrom('tasks').select(['id', 'taskQueue']));
const byQueue = (q: QueryCreator<{ open: { taskQueue: string } }>) => q.selectFrom('open').select('taskQueue');
const byNumber = (q: QueryCreator<{ open: { taskQueue: number } }>) => q.selectFrom('open').select('taskQueue');

describe('named parts', () => {
  it('stand in the statement in their order', () => {
    const built = queues.with('used', byQueue).main.selectFrom('used').selectAll().toOperationNode();
    const names = built.with?.expressions.map(({ name }) => name.table.table.identifier.name);
    assert.deepEqual(names, ['open', 'used']);
  });

  it('do not compile without the tables that they read', () => {
    // @ts-expect-error: nothing is named `open`.
    named.with('used', byQueue);
    // @ts-expect-error: its column is a text.
    queues.with('used', byNumber);
    // @ts-expect-error: nothing is named `open`.
    named.reading(byQueue);
    queues.reading(byQueue);
  });
});
