import assert from 'node:assert/strict';
import { handlerEffects } from '../../capabilities/effects.ts';
import type { NodeScope } from '../../capabilities/scope.ts';

describe('the effects of a handler', () => {
  it('refuse what is no effect before anybody hears of it', async () => {
    const asked: unknown[] = [];
    const watch = { asked: (_invocation: unknown, action: unknown) => asked.push(action) };
    const effect = handlerEffects({ nodeId: 'pay', deps: { watch } } as unknown as NodeScope);
    const call = async () => null;
    const whenInDoubt = 'repeat';
    const wrong = [
      undefined,
      'text',
      { request: null, whenInDoubt },
      { request: null, call, whenInDoubt: 'perhaps' },
      { request: { toJSON: () => assert.fail('it was read') }, call, whenInDoubt },
    ];

    for (const given of wrong) {
      await assert.rejects(effect('step', given as never), { code: 'handler_call_invalid' });
    }
    await assert.rejects(effect('', { request: null, call, whenInDoubt }), { code: 'handler_call_invalid' });

    assert.deepEqual(asked, []);
  });
});
