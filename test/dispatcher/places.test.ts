import assert from 'node:assert/strict';
import { Places } from '../../dispatcher/places.ts';
import type { TaskId } from '../../domain/ids.ts';

const ids = (count: number) => Array.from({ length: count }, (_, index) => `task-${index}` as TaskId);

describe('the places of a dispatcher', () => {
  it('are held by what works and by what is being claimed, and by nothing that waits', () => {
    const places = new Places(4);
    places.take(ids(3));
    places.reserve(1);
    assert.equal(places.room, 0);

    places.release(1);
    places.see(
      ids(3),
      ids(3).map((taskId, index) => ({ taskId, isIdle: index === 0 })),
    );

    assert.deepEqual([places.room, places.heldByWaiting], [2, 0]);
  });

  it('are held again when what waited goes on, even if there are none left', () => {
    const places = new Places(1);
    places.take(ids(2));
    places.see(
      ids(2),
      ids(2).map((taskId) => ({ taskId, isIdle: true })),
    );
    assert.equal(places.room, 1);

    places.see(
      ids(2),
      ids(2).map((taskId) => ({ taskId, isIdle: false })),
    );

    assert.equal(places.room, -1);
  });

  it('are held by what waits once that is more than ten times as much, which is told', () => {
    const places = new Places(2);
    const many = ids(22);
    places.take(many);
    places.see(
      many,
      many.map((taskId) => ({ taskId, isIdle: true })),
    );

    assert.deepEqual([places.room, places.heldByWaiting], [0, 2]);
  });

  it('are free when a look finds the task open no more, and not when it was taken after the look', () => {
    const places = new Places(3);
    const [gone, later] = ids(2) as [TaskId, TaskId];
    places.take([gone]);
    const looked = places.tasks;
    places.take([later]);

    places.see(looked, []);

    assert.deepEqual([places.tasks, places.room], [[later], 2]);
  });
});
