import assert from 'node:assert/strict';
import { Places } from '../../dispatcher/places.ts';
import type { TaskId } from '../../domain/ids.ts';

const ids = (count: number) => Array.from({ length: count }, (_, index) => `task-${index}` as TaskId);

/** What PostgreSQL says: these tasks occupy places, and the first so many of them are idle. */
const found = (tasks: readonly TaskId[], idle: number) => async () =>
  tasks.map((taskId, index) => ({ taskId, isIdle: index < idle }));

describe('the places of a dispatcher', () => {
  it('are held by what works and by what is being claimed, and by nothing that waits', async () => {
    const places = new Places(4);
    places.take(ids(3));
    places.reserve(1);
    assert.equal(places.room, 0);

    places.release(1);
    await places.look(found(ids(3), 1));

    assert.deepEqual([places.room, places.heldByIdle], [2, 0]);
  });

  it('are held again when what waited goes on, even if there are none left', async () => {
    const places = new Places(1);
    places.take(ids(2));
    await places.look(found(ids(2), 2));
    assert.equal(places.room, 1);

    await places.look(found(ids(2), 0));

    assert.equal(places.room, -1);
  });

  it('are held by idle tasks once these are more than ten times as many, which is told', async () => {
    const places = new Places(2);
    const many = ids(22);
    places.take(many);

    await places.look(found(many, 22));

    assert.deepEqual([places.room, places.heldByIdle], [0, 2]);
  });

  it('are free when a look finds the task no more, and not when it was taken after the look', async () => {
    const places = new Places(3);
    const [gone, later] = ids(2) as [TaskId, TaskId];
    places.take([gone]);

    await places.look(async () => {
      places.take([later]);
      return [];
    });

    assert.deepEqual([places.free(gone), places.free(later), places.room], [false, true, 3]);
  });

  it('are free of a task that waits or ended while the look was under way', async () => {
    const places = new Places(3);
    const [waits] = ids(1) as [TaskId];
    places.take([waits]);

    await places.look(async () => {
      places.free(waits);
      return [{ taskId: waits, isIdle: false }];
    });

    assert.equal(places.room, 3);
  });

  it('are held by a task of which nobody told, once a look finds it', async () => {
    const places = new Places(3);

    await places.look(found(ids(2), 0));

    assert.equal(places.room, 1);
  });
});
