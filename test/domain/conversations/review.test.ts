import assert from 'node:assert/strict';
import { REVIEW_DEFAULTS, readReview, temperatureOf } from '../../../domain/conversations/review.ts';
import type { Json } from '../../../domain/json.ts';

describe('the review of an answer', () => {
  const reviews: readonly (readonly [Json, number | null, boolean])[] = [
    [{ score: 0.82 }, 0.82, false],
    [{ score: 0.81 }, 0.81, true],
    [{ score: 1, verdict: 'revise' }, 1, true],
    [{ verdict: 'accept' }, null, false],
    [{ score: 7 }, null, false],
    [{ score: '0.1' }, null, false],
    [null, null, false],
    ['revise', null, false],
  ];
  for (const [said, score, revise] of reviews) {
    it(`${revise ? 'asks for a revision' : 'lets the answer stand'} with ${JSON.stringify(said)}`, () => {
      assert.deepEqual(readReview(said, REVIEW_DEFAULTS), { score, notes: null, revise });
    });
  }

  it('C010: lets each revision be a step cooler, and none cooler than 0.1', () => {
    assert.deepEqual(
      [0, 1, 2].map((revision) => temperatureOf(0.8, revision)),
      [0.8, 0.6, 0.4],
    );
    assert.deepEqual(
      [0, 1, 2].map((revision) => temperatureOf(0.2, revision)),
      [0.2, 0.1, 0.1],
    );
    assert.equal(temperatureOf(0, 0), 0);
  });
});
