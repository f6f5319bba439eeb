import assert from 'node:assert/strict';
import { Places, SHARED_PER_PLACE } from '../../dispatcher/places.ts';
import type { TaskId } from '../../domain/ids.ts';

const ids = (count: number) => Array.from({ length: count }, (_, index) => `task-${index}` as TaskId);

/** What PostgreSQL says: these tasks occupy places, and the first so many of them are idle. */
const found = (tasks: readonly TaskId[], idle: number) => async () =>
  tasks.map((taskId, index) => ({ taskId, isIdle: index < idle, isShared: false }));

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

  it('are kept for urgent tasks, one of twenty, for as long as these do not hold them', async () => {
    const places = new Places(40);
    const [first, second, ...others] = ids(40) as [TaskId, TaskId, ...TaskId[]];
    places.take(others);
    assert.deepEqual([places.room, places.urgentRoom], [0, 2]);

    places.take([first, second], 'urgent');
    assert.deepEqual([places.room, places.urgentRoom], [0, 0]);

    places.free(first);
    await places.look(found(others, 0));
    assert.deepEqual([places.room, places.urgentRoom], [0, 2]);
  });

  it('leave room for one urgent task where too few are there to keep one, if one is free', () => {
    const places = new Places(3);
    places.take(ids(2));
    assert.deepEqual([places.room, places.urgentRoom], [1, 1]);

    places.take(['urgent' as TaskId], 'urgent');

    assert.deepEqual([places.room, places.urgentRoom], [0, 0]);
  });

  it('are held by tasks that share an execution in parts, until these leave it', () => {
    const places = new Places(10);
    const shared = ids(2 * SHARED_PER_PLACE + 1);

    places.take(shared, 'shared');
    assert.deepEqual([places.room, places.taken, places.working], [7, 3, shared.length]);

    places.moveApart(shared.slice(0, 1));
    places.free(shared[1] as TaskId);
    assert.deepEqual([places.room, places.taken], [7, 3]);
  });

  it('are held whole by what has left its shared execution in another process, once a look finds it', async () => {
    const places = new Places(10);
    const shared = ids(SHARED_PER_PLACE);
    places.take(shared, 'shared');

    await places.look(found(shared, 0));

    assert.deepEqual([places.room, places.taken], [2, SHARED_PER_PLACE]);
  });

  it('are held in parts by what a look finds in a shared execution, unless it leaves meanwhile', async () => {
    const places = new Places(10);
    const [leaves, ...others] = ids(SHARED_PER_PLACE) as [TaskId, ...TaskId[]];

    await places.look(async () => {
      places.moveApart([leaves]);
      return [leaves, ...others].map((taskId) => ({ taskId, isIdle: false, isShared: true }));
    });
    assert.equal(places.taken, 1);
    places.take([leaves]);

    assert.equal(places.taken, 2);
  });

  it('are held again when what waited continues, even if there are none left', async () => {
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
      return [{ taskId: waits, isIdle: false, isShared: false }];
    });

    assert.equal(places.room, 3);
  });

  it('are held by a task of which nobody told, once a look finds it', async () => {
    const places = new Places(3);

    await places.look(found(ids(2), 0));

    assert.equal(places.room, 1);
  });
});
