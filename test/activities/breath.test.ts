import assert from 'node:assert/strict';
import { Breath } from '../../activities/tasks/breath.ts';
import { LoopTurns, spin } from '../support/loop-turns.ts';

describe('handlers that need no waiting', () => {
  it('let the process get to everything else after 20 ms, even if all could begin at once', async () => {
    const breath = new Breath();
    const turns = new LoopTurns();
    const order: number[] = [];
    const handlers = Array.from({ length: 100 }, (_, index) => index);

    await Promise.all(
      handlers.map(async (handler) => {
        await breath.turn();
        // Its input is checked before it is called.
        await Promise.resolve().then(() => undefined);
        order.push(handler);
        turns.count();
        spin(5);
      }),
    );

    assert.ok(turns.stop() <= 5, `${turns.stop()} handlers in one turn of the loop`);
    assert.deepEqual(order, handlers);
  });
});
