import assert from 'node:assert/strict';
import { HISTORY_LIMITS, historyOf } from '../../../domain/conversations/history.ts';

const turn = (text: string, reply: string | null, state: 'answered' | 'interrupted' | 'rolled_back' = 'answered') => {
  return { state, text, reply };
};

describe('the history of a conversation', () => {
  it('is what was asked and answered, in order, and says where an answer was cut off', () => {
    const history = historyOf([turn('one', 'first'), turn('two', null), turn('three', 'thi', 'interrupted')]);

    assert.deepEqual(history, [
      { role: 'user', text: 'one' },
      { role: 'assistant', text: 'first' },
      { role: 'user', text: 'two' },
      { role: 'user', text: 'three' },
      { role: 'assistant', text: 'thi', interrupted: true },
    ]);
  });

  it('knows nothing of a turn that was rolled back', () => {
    assert.deepEqual(historyOf([turn('one', 'first', 'rolled_back'), turn('two', null)]), [
      { role: 'user', text: 'two' },
    ]);
  });

  it('ends with the last messages, and keeps the end of the one that fits in part', () => {
    const long = `${'x'.repeat(HISTORY_LIMITS.characters)}end`;

    const many = historyOf(Array.from({ length: 20 }, (_, index) => turn(`q${index}`, `a${index}`)));
    const large = historyOf([turn('lost', long), turn('kept', 'too')]);

    assert.equal(many.length, HISTORY_LIMITS.messages);
    assert.deepEqual(many.at(-1), { role: 'assistant', text: 'a19' });
    assert.deepEqual(
      large.map(({ text }) => text.length),
      [HISTORY_LIMITS.characters - 7, 4, 3],
    );
    assert.match(large[0]?.text ?? '', /^x+end$/);
  });
});
