import assert from 'node:assert/strict';
import {
  type EndedTurnTask,
  MOST_OF_REPLY,
  SILENCE,
  spokenOf,
  turnEnd,
} from '../../../domain/conversations/turn-end.ts';
import type { Json } from '../../../domain/json.ts';

const ended = (more: Partial<EndedTurnTask>): EndedTurnTask => ({
  ...{ status: 'completed', output: { reply: 'yes' }, failure: null, endsAs: null, partial: null },
  ...more,
});

describe('the end of a turn', () => {
  const spoken: readonly (readonly [Json, string | null])[] = [
    ['hello', 'hello'],
    [{ reply: 'hello', route: 'qa' }, 'hello'],
    [{ reply: null }, null],
    [null, null],
    ['  ', null],
    [SILENCE, null],
    [`\n${SILENCE} `, null],
    [{ reply: SILENCE }, null],
    [`I say ${SILENCE}`, `I say ${SILENCE}`],
    [{ answer: 7 }, '{"answer":7}'],
    [{ reply: { text: 'a' } }, '{"text":"a"}'],
  ];
  for (const [output, reply] of spoken) {
    it(`says ${JSON.stringify(reply)} of ${JSON.stringify(output)}`, () => {
      assert.equal(spokenOf(output), reply);
    });
  }

  it('says which route answered, where the output does', () => {
    assert.equal(turnEnd(ended({ output: { reply: 'yes', route: 'qa' } })).route, 'qa');
    assert.equal(turnEnd(ended({ output: { reply: 'yes', route: 'x'.repeat(65) } })).route, null);
    assert.equal(turnEnd(ended({ output: { reply: 'yes', route: 7 } })).route, null);
  });

  it('is an answer, or silence where nothing was said', () => {
    assert.deepEqual(turnEnd(ended({})), { state: 'answered', reply: 'yes', route: null, error: null });
    assert.deepEqual(turnEnd(ended({ output: SILENCE })), { state: 'silent', reply: null, route: null, error: null });
  });

  it('keeps what there was of the reply when it was interrupted, and nothing when it was rolled back', () => {
    const cancelled = { status: 'cancelled', output: null, partial: 'so f' } as const;

    assert.deepEqual(turnEnd(ended(cancelled)), { state: 'interrupted', reply: 'so f', route: null, error: null });
    assert.deepEqual(turnEnd(ended({ ...cancelled, endsAs: 'interrupted' })).state, 'interrupted');
    assert.deepEqual(turnEnd(ended({ ...cancelled, endsAs: 'rolled_back' })), {
      ...{ state: 'rolled_back', reply: null, route: null, error: null },
    });
  });

  it('is what the task came to where the wish to interrupt came too late; a rollback is never too late', () => {
    assert.equal(turnEnd(ended({ endsAs: 'interrupted' })).state, 'answered');
    assert.equal(turnEnd(ended({ endsAs: 'rolled_back' })).state, 'rolled_back');
  });

  it('keeps the beginning and the end of a reply that is too long, and says what is missing', () => {
    const reply = `begin${'x'.repeat(MOST_OF_REPLY)}end`;

    const kept = [turnEnd(ended({ output: reply })), turnEnd(ended({ status: 'cancelled', partial: reply }))];

    for (const { reply: text } of kept) {
      assert.ok((text?.length ?? Number.NaN) <= MOST_OF_REPLY);
      assert.match(text ?? '', /^beginx+\n\[… \d+ characters left out …\]\nx+end$/);
    }
    assert.equal(turnEnd(ended({ output: 'x'.repeat(MOST_OF_REPLY) })).reply?.length, MOST_OF_REPLY);
  });

  it('says why a turn failed', () => {
    const failure = { code: 'handler_failed', message: 'no' };

    assert.deepEqual(turnEnd(ended({ status: 'failed', output: null, failure })), {
      ...{ state: 'failed', reply: null, route: null, error: failure },
    });
  });
});
