import assert from 'node:assert/strict';
import { selectRoute } from '../../../domain/conversations/select-route.ts';
import type { Json } from '../../../domain/json.ts';

const ROUTES = [
  { name: 'talk', does: '' },
  { name: 'orders', does: '' },
];
const said = (text: string) => ({ role: 'user', text });
const answered = (route: string) => ({ role: 'assistant', text: 'So it is.', route });

/** Which route is selected, and why. */
function selected(router: Json, text: string, history: readonly Json[] = []) {
  const { route, reason } = selectRoute(router, ROUTES, { text, history }).said as Record<string, Json>;
  return [route, reason];
}

describe('the selection of a route', () => {
  const history = [said('where is it?'), answered('orders')];

  it('is that of the router where it names one and knows no other', () => {
    assert.deepEqual(selected({ route: 'talk', reason: 'chat' }, 'and now?', history), ['talk', 'chat']);
  });

  it('stays with the route that answered where the router is unsure, or says nothing that can be used', () => {
    const why = (score: number) => ['orders', `it answered before (${score})`];
    assert.deepEqual(
      selected({ route: 'talk', candidates: { talk: 0.6, orders: 0.5 } }, 'and now?', history),
      why(0.65),
    );
    assert.deepEqual(selected(null, 'and now?', history), why(0.8));
    assert.deepEqual(selected({ route: 'admin', confidence: 1 }, 'and now?', history), why(0.8));
  });

  it('moves away on a complaint, by its words or by the word of the router', () => {
    const why = ['talk', 'the answer of orders was complained about (0.65)'];
    assert.deepEqual(selected(null, "That's wrong.", history), why);
    assert.deepEqual(selected({ feedback: 'negative' }, 'hm', history), why);
  });

  it('remembers a complaint of an earlier turn', () => {
    const later = [...history, said("That's wrong."), answered('talk'), said('better')];

    const { scores } = selectRoute(null, ROUTES, { text: 'and now?', history: later });

    assert.deepEqual(
      scores.map(({ name, score }) => [name, score]),
      [
        ['talk', 0.8],
        ['orders', 0.45],
      ],
    );
  });

  it('selects none where the router is sure of none', () => {
    assert.equal(selectRoute({ candidates: { talk: 0.1, orders: 0 } }, ROUTES, { text: 'hm', history: [] }).said, null);
  });
});
