import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decideRoute } from '../../../domain/conversations/route-decision.ts';
import type { Json } from '../../../domain/json.ts';

const rules = { routes: ['qa', 'code'], fallback: 'qa', context: ['memory', 'social'], temperature: 0.8 };
const fallback = { route: 'qa', context: ['memory'], tools: true, temperature: 0.8, isDefault: true };

describe('the decision of a router', () => {
  it('is taken as it is where it fits', () => {
    const said = { route: 'code', context: ['social'], tools: false, temperature: 0.2, reason: 'it is code' };

    assert.deepEqual(decideRoute(said, rules), {
      ...{ route: 'code', context: ['memory', 'social'], tools: false, temperature: 0.2, reason: 'it is code' },
      isDefault: false,
    });
  });

  const unusable: readonly Json[] = [null, 'qa', 7, [], {}, { route: 'admin' }, { route: ['qa'] }, { route: null }];
  for (const said of unusable) {
    it(`C003: is the safe default for ${JSON.stringify(said)}`, () => {
      assert.partialDeepStrictEqual(decideRoute(said, rules), fallback);
    });
  }

  it('has defaults of its own for parts that cannot be used', () => {
    const said = { route: 'code', context: 'all', tools: 'no', temperature: 9, reason: 7 };

    assert.deepEqual(decideRoute(said, rules), {
      ...{ route: 'code', context: ['memory', 'social'], tools: true, temperature: 0.8, reason: '', isDefault: false },
    });
  });

  it('never leaves what the rules know, whatever the router says', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (route, context, temperature) => {
        const decided = decideRoute({ route, context, temperature } as Json, rules);
        assert.ok(rules.routes.includes(decided.route));
        assert.equal(decided.context[0], 'memory');
        assert.ok(decided.context.every((name) => rules.context.includes(name)));
        assert.ok(decided.temperature >= 0 && decided.temperature <= 2);
      }),
    );
  });
});
