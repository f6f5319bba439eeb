import assert from 'node:assert/strict';
import { inTurn } from '../../activities/tasks/in-turn.ts';

describe('the line of nodes before their last attempt', () => {
  const { signal } = new AbortController();

  it('lets one after another run, and is left by those who waited too long or were told to stop', async () => {
    const gate = Promise.withResolvers<void>();
    const began: string[] = [];
    const stop = new AbortController();
    const enter = (name: string, options: { withinMs: number; signal: AbortSignal }) =>
      inTurn(options, async () => {
        began.push(name);
        if (name === 'first') await gate.promise;
      });

    const first = enter('first', { signal, withinMs: 60_000 });
    const late = enter('late', { signal, withinMs: 5 });
    const stopped = enter('stopped', { signal: stop.signal, withinMs: 60_000 });
    const next = enter('next', { signal, withinMs: 60_000 });
    assert.deepEqual(await late, { came: false, why: 'late' });
    stop.abort();
    assert.deepEqual(await stopped, { came: false, why: 'aborted' });
    assert.deepEqual(began, ['first']);
    gate.resolve();

    assert.deepEqual([(await first).came, (await next).came], [true, true]);
    assert.deepEqual(began, ['first', 'next']);
    assert.equal((await enter('again', { signal, withinMs: 60_000 })).came, true);
  });
});
