import assert from 'node:assert/strict';
import fc from 'fast-check';
import { findCycle, LONGEST_PERIOD, MEMORY, ROUNDS, remember } from '../../../domain/agents/repetition.ts';

const rememberAll = (actions: readonly string[]) => actions.reduce<readonly string[]>(remember, []);
const word = fc.string({ minLength: 1, maxLength: 4 });
const round = fc.uniqueArray(word, { minLength: 1, maxLength: LONGEST_PERIOD });
const repeat = (words: readonly string[], times: number) => Array.from({ length: times }, () => words).flat();

describe('an agent that repeats itself', () => {
  it('F11: is found after five rounds of any one to five different actions, whatever it did before', () => {
    fc.assert(
      fc.property(fc.array(word), round, (before, actions) => {
        assert.equal(findCycle(rememberAll([...before, ...repeat(actions, ROUNDS)]))?.period, actions.length);
      }),
    );
  });

  it('F11: is still found at every later action of the same round', () => {
    fc.assert(
      fc.property(round, fc.nat(30), (actions, more) => {
        const endless = repeat(actions, ROUNDS + more).slice(0, actions.length * ROUNDS + more);
        assert.notEqual(findCycle(rememberAll(endless)), null);
      }),
    );
  });

  it('is not found in four rounds', () => {
    fc.assert(
      fc.property(round, (actions) => {
        assert.equal(findCycle(rememberAll(repeat(actions, ROUNDS - 1))), null);
      }),
    );
  });

  it('is not found while each round asks for something new', () => {
    fc.assert(
      fc.property(round, fc.integer({ min: 1, max: 30 }), (actions, rounds) => {
        const progressing = Array.from({ length: rounds }, (_, index) => [...actions, `new ${index}`]).flat();
        assert.equal(findCycle(rememberAll(progressing)), null);
      }),
    );
  });

  it('is forgotten once it does something else', () => {
    assert.notEqual(findCycle(rememberAll(repeat(['look'], ROUNDS))), null);
    assert.equal(findCycle(rememberAll([...repeat(['look'], ROUNDS), 'leave'])), null);
  });

  it('costs no more than the last actions, however many there were', () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 200 }), (actions) => {
        assert.deepEqual(rememberAll(actions), actions.slice(-MEMORY));
      }),
    );
  });
});
