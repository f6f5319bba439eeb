import assert from 'node:assert/strict';
import fc from 'fast-check';
import { complains, SELECTION, type SelectionCandidate, selectAgent } from '../../../domain/agents/selection.ts';

const candidate = (name: string, confidence: number | null = null, does = ''): SelectionCandidate => {
  return { name, does, confidence };
};
const answered = (agent: string, complained = false) => ({ agent, complained });
const scoresOf = (...given: Parameters<typeof selectAgent>) =>
  Object.fromEntries(selectAgent(...given).scores.map(({ name, score }) => [name, score]));

describe('the selection of an agent', () => {
  const both = [candidate('orders'), candidate('stores')];

  it('C081: stays with who answered last, by a bonus of .15', () => {
    const { chosen } = selectAgent('and now?', both, [answered('stores')]);

    assert.equal(chosen, 'stores');
    assert.deepEqual(scoresOf('and now?', both, [answered('stores')]), { orders: 0.65, stores: 0.8 });
  });

  it('C081: moves away from who was complained about, by .2', () => {
    const { chosen } = selectAgent('no', both, [answered('stores', true)]);

    assert.equal(chosen, 'orders');
    assert.deepEqual(scoresOf('no', both, [answered('stores', true)]), { orders: 0.65, stores: 0.6 });
  });

  it('C081: leaves who answered last for one that is surely better suited', () => {
    const candidates = [candidate('orders', 0.86), candidate('stores')];

    const { chosen, isSure } = selectAgent('where is my order?', candidates, [answered('stores')]);

    assert.deepEqual([chosen, isSure], ['orders', true]);
  });

  it('C081: scores nobody above .9, and chooses nobody below .3', () => {
    const high = [candidate('orders', 1)];
    const low = [candidate('orders', 0.29)];

    assert.deepEqual(scoresOf('', high, [answered('orders')]), { orders: 0.9 });
    assert.equal(selectAgent('', low, []).chosen, null);
    assert.equal(selectAgent('', low, [answered('orders')]).chosen, 'orders');
  });

  it('remembers a complaint for five turns, and no longer', () => {
    const others = (count: number) => Array.from({ length: count }, () => answered('orders'));
    const complained = [answered('stores', true)];

    assert.equal(scoresOf('', both, [...complained, ...others(4)]).stores, 0.45);
    assert.equal(scoresOf('', both, [...complained, ...others(5)]).stores, 0.65);
  });

  it('counts by a tenth that the words of a text are those of what somebody does', () => {
    const candidates = [candidate('stores', null, 'Finds stores nearby.'), candidate('orders', null, 'Tracks orders.')];

    assert.equal(selectAgent('Which stores are nearby?', candidates, []).chosen, 'stores');
    assert.deepEqual(scoresOf('stores nearby', candidates, []), { stores: 0.75, orders: 0.65 });
  });

  it('takes the first of those that score alike', () => {
    assert.equal(selectAgent('hello', both, []).chosen, 'orders');
  });

  it('stays within its bounds, whatever is said', () => {
    const anyName = fc.constantFrom('a', 'b', 'c');
    const anyConfidence = fc.option(fc.double({ min: 0, max: 1, noNaN: true }));
    const anyTurn = fc.record({ agent: fc.option(anyName), complained: fc.boolean() });
    fc.assert(
      fc.property(fc.string(), fc.array(anyConfidence, { maxLength: 3 }), fc.array(anyTurn), (text, given, turns) => {
        const candidates = given.map((confidence, index) => candidate('abc'[index] ?? '', confidence, text));

        const { chosen, scores } = selectAgent(text, candidates, turns);

        assert.ok(scores.every(({ score }) => score >= 0 && score <= SELECTION.max));
        assert.equal(chosen !== null, (scores[0]?.score ?? 0) >= SELECTION.min);
      }),
    );
  });

  for (const text of ["That's wrong.", 'This is not what I asked', 'you misunderstood me', 'It did not help at all']) {
    it(`takes "${text}" for a complaint`, () => {
      assert.ok(complains(text));
    });
  }

  for (const text of ['What is wrong with my parcel?', 'and the next one?', '']) {
    it(`takes "${text}" for no complaint`, () => {
      assert.ok(!complains(text));
    });
  }
});
