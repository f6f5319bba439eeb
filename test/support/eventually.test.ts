import assert from 'node:assert/strict';
import { eventually } from './eventually.ts';

describe('eventually', () => {
  it('returns the first answer that is neither thrown nor false', async () => {
    let looks = 0;
    const look = () => {
      looks += 1;
      if (looks === 1) throw new Error('not yet');
      return looks === 2 ? false : 'now';
    };

    assert.equal(await eventually(look, { everyMs: 1 }), 'now');
    assert.equal(looks, 3);
  });

  it('rejects with the last failure when the time is over', async () => {
    const look = () => assert.equal(1, 2, 'one is not two');

    await assert.rejects(eventually(look, { withinMs: 30, what: 'arithmetic' }), {
      message: /^arithmetic did not come true within \d+ ms; last: one is not two/,
    });
  });
});
