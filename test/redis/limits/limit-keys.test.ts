import assert from 'node:assert/strict';
import { RedisKeys } from '../../../redis/keys.ts';

describe('keys of limits', () => {
  const keys = new RedisKeys('muster');

  it('are named as the seeds name them', () => {
    const limits = keys.limits('acme');
    const state = { scope: 'endpoint', subject: ['ada', 'auth'], countsTokens: false, algorithm: 'gcra' } as const;

    assert.equal(limits.state(state), 'muster:{limits:acme}:rate_limit:ada:auth');
    assert.equal(limits.cooldown('ada', 'daily'), 'muster:{limits:acme}:cooldown:ada:daily');
    assert.equal(limits.idempotency('k'), 'muster:{limits:acme}:idem:k');
  });

  it('share one hash tag for a tenant, whatever the names contain, and no two are the same', () => {
    const odd = 'a}:{b:tokens\ud800';
    const made = ['a}b', 'a', null].flatMap((tenant) => {
      const limits = keys.limits(tenant);
      const states = (['gcra', 'sliding_log'] as const).flatMap((algorithm) =>
        [true, false].flatMap((countsTokens) => [
          limits.state({ scope: 'tenant', subject: [], countsTokens, algorithm }),
          limits.state({ scope: 'user', subject: [odd], countsTokens, algorithm }),
          limits.state({ scope: 'user', subject: ['tokens'], countsTokens, algorithm }),
          limits.state({ scope: 'endpoint', subject: ['', odd], countsTokens, algorithm }),
          limits.state({ scope: 'endpoint', subject: [odd, 'tokens'], countsTokens, algorithm }),
          limits.state({ scope: 'provider', subject: ['log'], countsTokens, algorithm }),
        ]),
      );
      const slots = Object.values(limits.slots(odd));
      const others = [limits.reservation(odd), limits.cooldown(odd, 'a'), limits.idempotency(odd), ...slots];
      const all = [...states, ...states.map((state) => limits.block(state)), ...others];
      assert.deepEqual([...new Set(all.map((key) => /\{([^}]*)\}/.exec(key)?.[1]))], [limits.tag]);
      return all;
    });

    assert.equal(new Set(made).size, made.length);
  });
});
