import assert from 'node:assert/strict';
import fc from 'fast-check';
import { groupsOf, nextMove, type StepSoFar } from '../../../domain/thinking/next-move.ts';
import { TOOL_CALL_STATES } from '../../../domain/thinking/states.ts';
import { trimText } from '../../../domain/trim-text.ts';

const done = (step: number, more: Partial<StepSoFar> = {}): StepSoFar => ({
  ...{ step, state: 'done', fault: null, calls: [] },
  ...more,
});

describe('the loop of a thinking agent', () => {
  it('begins with step 1, and repeats a step that has no answer', () => {
    assert.deepEqual(nextMove([], 12), { kind: 'call', step: 1, isLast: false });
    for (const state of ['pending', 'failed', 'in_doubt'] as const) {
      assert.deepEqual(nextMove([done(1, { state })], 12), { kind: 'call', step: 1, isLast: false });
    }
  });

  it('carries out open tool calls before the next step, and no other', () => {
    const calls = TOOL_CALL_STATES.map((state, index) => ({ index, state }));

    assert.deepEqual(nextMove([done(1, { calls })], 12), { kind: 'tools', step: 1, indexes: [0, 1, 2] });
    const closed = calls.filter(({ index }) => index > 2);
    assert.deepEqual(nextMove([done(1, { calls: closed })], 12), { kind: 'call', step: 2, isLast: false });
  });

  it('ends with the output that is stored already', () => {
    assert.deepEqual(nextMove([done(1)], 12), { kind: 'output', step: 1 });
  });

  it('has an answer repaired once', () => {
    const fault = 'it is not JSON.';

    assert.deepEqual(nextMove([done(1, { fault })], 12), { kind: 'call', step: 2, isLast: false });
    const twice = [done(1, { fault }), done(2, { fault: 'still not.' })];
    assert.deepEqual(nextMove(twice, 12), { kind: 'invalid', fault: 'still not.' });
  });

  it('never makes more steps than it may, whatever comes back', () => {
    const answer = fc.constantFrom<Partial<StepSoFar>>({ calls: [{ index: 0, state: 'done' }] }, { fault: 'no.' });
    fc.assert(
      fc.property(
        fc.array(answer, { minLength: 60, maxLength: 60 }),
        fc.integer({ min: 1, max: 50 }),
        (answers, most) => {
          const steps: StepSoFar[] = [];
          for (let move = nextMove(steps, most); move.kind === 'call'; move = nextMove(steps, most)) {
            assert.equal(move.step, steps.length + 1);
            assert.equal(move.isLast, move.step === most);
            steps.push(done(move.step, answers[steps.length]));
          }
          assert.ok(steps.length <= most);
        },
      ),
    );
  });

  it('runs neighbours together that only read, and everything else alone and in order', () => {
    const call = (index: number, reads: boolean) => ({ index, reads, timeoutMs: 1 });
    const calls = [call(0, true), call(1, true), call(2, true), call(3, false), call(4, true), call(5, false)];

    const groups = groupsOf(calls, 2).map((group) => group.map(({ index }) => index));

    assert.deepEqual(groups, [[0, 1], [2], [3], [4], [5]]);
  });
});

describe('a text that is too long for a model', () => {
  it('keeps most of its beginning and its end, and says how much is gone', () => {
    const text = `${'a'.repeat(3_000)}${'b'.repeat(3_000)}`;

    const trimmed = trimText(text, 1_000);

    assert.match(trimmed, /^a{650}\n\[… 5100 characters left out …\]\nb{250}$/);
    assert.equal(trimText('short', 1_000), 'short');
  });

  it('cuts no surrogate pair in half', () => {
    const trimmed = trimText('😀'.repeat(1_000), 101);

    assert.ok(trimmed.isWellFormed());
  });
});
