import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { conversationOf } from '../../client/conversation-handle.ts';
import type { Face } from '../../client/face.ts';
import type { WakeUps } from '../../redis/wake-ups.ts';

describe('who waits for the answer of a turn', () => {
  it('looks at it again as soon as its task has news, and listens no longer than it waits', async () => {
    const answers = ['queued', 'running', 'running', 'answered'].map((state) => ({ turn: 1, state, taskId: 'task' }));
    const face = { call: async () => answers.shift() } as unknown as Face;
    const listening = new Map<string, () => void>();
    const onTask = (id: string, hint: () => void) => {
      listening.set(id, hint);
      return () => void listening.delete(id);
    };
    const said = await conversationOf(face, { onTask } as unknown as WakeUps, 'desk').say('hello');

    const answer = said.answer();
    for (const left of [2, 1]) {
      await setImmediate();
      assert.equal(answers.length, left);
      listening.get('task')?.();
    }
    const turn = await Promise.race([answer, setImmediate('late')]);

    assert.partialDeepStrictEqual(turn, { state: 'answered' });
    assert.equal(listening.size, 0);
  });
});
