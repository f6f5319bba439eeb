import assert from 'node:assert/strict';
import { HISTORY_LIMITS, historyOf } from '../../../domain/conversations/history.ts';

const turn = (text: string, reply: string | null, state: 'answered' | 'interrupted' | 'rolled_back' = 'answered') => {
  return { state, text, reply, route: null, actsFor: [] };
};

describe('the history of a conversation', () => {
  it('is what was asked and answered, in order, and says where an answer was cut off', () => {
    const { messages: history } = historyOf([
      turn('one', 'first'),
      turn('two', null),
      turn('three', 'thi', 'interrupted'),
    ]);

    assert.deepEqual(history, [
      { role: 'user', text: 'one' },
      { role: 'assistant', text: 'first' },
      { role: 'user', text: 'two' },
      { role: 'user', text: 'three' },
      { role: 'assistant', text: 'thi', interrupted: true },
    ]);
  });

  it('says which route answered', () => {
    const { messages } = historyOf([{ ...turn('one', 'first'), route: 'orders' }]);

    assert.deepEqual(messages.at(-1), { role: 'assistant', text: 'first', route: 'orders' });
  });

  it('knows nothing of a turn that was rolled back', () => {
    const gone = { ...turn('one', 'first', 'rolled_back'), actsFor: ['intern'] };

    assert.deepEqual(historyOf([gone, turn('two', null)]), {
      ...{ messages: [{ role: 'user', text: 'two' }], actsFor: [] },
    });
  });

  it('S16: says which agent appended a text, and for whom acts who reads it or what was answered', () => {
    const asked = { ...turn('pay', 'paid'), actsFor: ['intern', 'clerk'] };
    const later = Array.from({ length: HISTORY_LIMITS.messages - 1 }, (_, index) => turn(`q${index}`, null));

    assert.deepEqual(historyOf([asked]), {
      messages: [
        { role: 'agent', agent: 'clerk', text: 'pay' },
        { role: 'assistant', text: 'paid' },
      ],
      actsFor: ['intern', 'clerk'],
    });
    assert.deepEqual(historyOf([asked, ...later]).actsFor, ['intern', 'clerk']);
    assert.deepEqual(historyOf([asked, ...later, turn('last', null)]).actsFor, []);
  });

  it('ends with the last messages, and keeps the end of the one that fits in part', () => {
    const long = `${'x'.repeat(HISTORY_LIMITS.characters)}end`;

    const { messages: many } = historyOf(Array.from({ length: 20 }, (_, index) => turn(`q${index}`, `a${index}`)));
    const { messages: large } = historyOf([turn('lost', long), turn('kept', 'too')]);

    assert.equal(many.length, HISTORY_LIMITS.messages);
    assert.deepEqual(many.at(-1), { role: 'assistant', text: 'a19' });
    assert.deepEqual(
      large.map(({ text }) => text.length),
      [HISTORY_LIMITS.characters - 7, 4, 3],
    );
    assert.match(large[0]?.text ?? '', /^x+end$/);
  });
});
