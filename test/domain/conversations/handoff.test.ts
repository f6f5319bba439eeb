import assert from 'node:assert/strict';
import { handoffIn, withHandoff } from '../../../domain/conversations/handoff.ts';

const ROUTES = ['orders', 'stores', 'talk'];
const hand = (from: string, to: string, reason = '') => ({ from, to, reason });

describe('a hand-off', () => {
  it('is what an output says with a route and a reason', () => {
    assert.deepEqual(handoffIn({ handoff: 'orders', reason: 'a parcel' }), { to: 'orders', reason: 'a parcel' });
    assert.deepEqual(handoffIn({ handoff: 'orders', reason: 7 }), { to: 'orders', reason: '' });
    for (const output of [null, 'orders', [], {}, { handoff: null }, { handoff: { to: 'orders' } }]) {
      assert.equal(handoffIn(output), null);
    }
  });

  it('follows another while the turn has not been there', () => {
    const chain = withHandoff([hand('talk', 'orders')], hand('orders', 'stores'), ROUTES);

    assert.deepEqual(chain, [hand('talk', 'orders'), hand('orders', 'stores')]);
  });

  it('is refused where it goes back, with the chain and its reasons', () => {
    const before = [hand('talk', 'orders', 'a parcel'), hand('orders', 'stores')];

    assert.throws(() => withHandoff(before, hand('stores', 'talk', 'no idea'), ROUTES), {
      code: 'handoff_cycle',
      message:
        'The turn was handed round: talk → orders → stores → talk. talk to orders: a parcel; orders to stores: no reason; stores to talk: no idea.',
    });
    assert.throws(() => withHandoff([], hand('talk', 'talk'), ROUTES), { code: 'handoff_cycle' });
  });

  it('is refused to a route that is not there', () => {
    assert.throws(() => withHandoff([], hand('talk', 'sales'), ROUTES), {
      code: 'handoff_unknown',
      message: 'talk handed the turn to "sales", which is not a route. There are orders, stores, talk.',
    });
  });
});
