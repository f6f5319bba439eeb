import assert from 'node:assert/strict';
import {
  CANARY_BUDGET,
  decideCanary,
  failuresOf,
  fnv1a,
  noteOutcome,
  sampleOf,
} from '../../../domain/canaries/canary.ts';

const asked = { route: 'qa', sample: 10, isCooling: false };

describe('a canary', () => {
  it('C008: hashes as FNV-1a does, so that the same trace has the same sample everywhere', () => {
    assert.equal(fnv1a(''), 0x811c9dc5);
    assert.equal(fnv1a('a'), 0xe40c292c);
    assert.equal(fnv1a('foobar'), 0xbf9cf968);
    assert.equal(sampleOf('acme', 'qa', 't-1'), sampleOf('acme', 'qa', 't-1'));
    assert.equal(sampleOf('acme', 'qa', 't-1'), (fnv1a('acme:qa:t-1') % 10_000) / 100);
  });

  it('gets about as many of ten thousand traces as its percentage says', () => {
    const samples = Array.from({ length: 10_000 }, (_, index) => sampleOf('acme', 'qa', `trace-${index}`));

    const got = samples.filter((sample) => decideCanary({ percent: 20 }, { ...asked, sample }).allowed).length;

    assert.ok(got > 1_800 && got < 2_200, `${got} of 10,000`);
  });

  const decisions = [
    ['disabled', { percent: 0 }, asked],
    ['route_not_allowlisted', { percent: 50, routes: ['code'] }, asked],
    ['out_of_rollout_sample', { percent: 10 }, asked],
    ['error_budget_cooldown', { percent: 50 }, { ...asked, isCooling: true }],
    ['allowed', { percent: 50, routes: ['qa'] }, asked],
  ] as const;
  for (const [reason, rules, given] of decisions) {
    it(`is ${reason}, and says so`, () => {
      assert.deepEqual(decideCanary(rules, given), { allowed: reason === 'allowed', reason, sample: 10 });
    });
  }

  /** So many outcomes, the failures last. */
  function closing(count: number, failures: number) {
    let state = { outcomes: '', closes: false };
    for (let index = 0; index < count; index += 1) {
      state = noteOutcome(state.outcomes, index >= count - failures, CANARY_BUDGET);
    }
    return state;
  }

  it('C008: closes at 11 failures of 50, and neither at 10 of 50 nor at 11 of 49', () => {
    assert.equal(closing(50, 11).closes, true);
    assert.equal(closing(50, 10).closes, false);
    assert.equal(closing(49, 11).closes, false);
  });

  it('counts the last outcomes only, and none of those before it closed', () => {
    const many = closing(400, 50);

    assert.deepEqual([many.outcomes.length, failuresOf(many.outcomes)], [250, 50]);
    assert.equal(closing(50, 11).outcomes, '');
  });
});
