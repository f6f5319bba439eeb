import assert from 'node:assert/strict';
import { recall, type Said } from '../../agents/conversation-turn/recall.ts';

const history: readonly Said[] = [
  { role: 'user', text: 'My parcel number is 4711.' },
  { role: 'assistant', text: 'The parcel number is noted.' },
  { role: 'user', text: 'We meet on Tuesday at nine.' },
  { role: 'user', text: 'No, the meeting is on Wednesday.' },
];

describe('what was said before', () => {
  it('is found by the words that it shares, of equals the latest', () => {
    assert.equal(recall('What was the number of my parcel?', history), 'My parcel number is 4711.');
    assert.equal(recall('When are we meeting?', history), 'No, the meeting is on Wednesday.');
  });

  it('is nothing where nobody spoke of it, or where nothing is asked', () => {
    assert.equal(recall('Who painted the ceiling?', history), null);
    assert.equal(recall('?!', history), null);
    assert.equal(recall('parcel', []), null);
  });
});
