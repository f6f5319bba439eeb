import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CRITIC_VERDICTS, nextRevision } from '../../../domain/quality/critic.ts';

describe('nextRevision', () => {
  it('C010: revises exactly twice when every score stays at .5', () => {
    let revisions = 0;
    let temperature = 0.8;
    for (const score of [0.5, 0.5, 0.5]) {
      const next = nextRevision({ score, verdict: 'accept', revisions, temperature });
      if (next.revise) revisions += 1;
      temperature = next.temperature;
    }

    assert.equal(revisions, 2);
    assert.ok(Math.abs(temperature - 0.4) < 1e-9);
  });

  it('C010: accepts a score of .82 and revises one just below', () => {
    const review = { verdict: 'accept', revisions: 0, temperature: 0.7 } as const;

    assert.deepEqual(nextRevision({ ...review, score: 0.82 }), { revise: false, temperature: 0.7 });
    assert.equal(nextRevision({ ...review, score: 0.8199 }).revise, true);
    assert.equal(nextRevision({ ...review, score: Number.NaN }).revise, true);
  });

  it('C010: revises a good score when the critic says so', () => {
    assert.equal(nextRevision({ score: 1, verdict: 'revise', revisions: 1, temperature: 0.7 }).revise, true);
  });

  it('C010: never goes beyond two revisions nor below a temperature of .1, however it is called', () => {
    const review = fc.record({
      score: fc.double(),
      verdict: fc.constantFrom(...CRITIC_VERDICTS),
      temperature: fc.double({ min: 0, max: 2, noNaN: true }),
      minScore: fc.double({ min: 0, max: 1, noNaN: true }),
      maxRevisions: fc.integer({ min: -5, max: 20 }),
    });
    fc.assert(
      fc.property(fc.array(review, { minLength: 1, maxLength: 12 }), (reviews) => {
        let revisions = 0;
        for (const each of reviews) {
          const next = nextRevision({ ...each, revisions });

          assert.ok(next.temperature >= 0.1);
          assert.ok(next.temperature <= Math.max(0.1, each.temperature));
          if (next.revise) revisions += 1;
        }
        assert.ok(revisions <= 2);
      }),
    );
  });
});
