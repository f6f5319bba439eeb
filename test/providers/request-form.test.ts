import assert from 'node:assert/strict';
import { openModelCaller } from '../../providers/model-caller.ts';
import { call, closeScripted, request, scripted, settingsFor } from './scripted-models.ts';

describe('a request to a provider', () => {
  afterEach(closeScripted);

  it('has the form that the settings say the provider takes', async () => {
    const schema = { type: 'object', properties: { ok: { type: 'boolean' } } };
    const bodyWith = async (form: object, fields: object = {}) => {
      const provider = await scripted({ answer: { text: '{"ok":true}' } });
      const { providers, models: known } = settingsFor(provider.baseUrl);
      const routes = known.default?.map((route) => ({ ...route, ...form })) ?? [];
      const models = await openModelCaller({ providers, models: { default: routes } });
      await models.call(request({ output: schema, ...fields }), call());
      return provider.requests[0]?.body as Record<string, unknown>;
    };

    const usual = await bodyWith({});
    const object = await bodyWith({ responseFormat: 'json_object', maxTokensField: 'max_completion_tokens' });
    const none = await bodyWith({ responseFormat: 'none', temperature: 0.2 });
    const own = await bodyWith({ temperature: 0.2 }, { temperature: 0.9, output: null });

    assert.deepEqual([usual.temperature, usual.max_tokens, usual.max_completion_tokens], [undefined, 1_000, undefined]);
    assert.deepEqual(object.response_format, { type: 'json_object' });
    assert.deepEqual([object.max_tokens, object.max_completion_tokens], [undefined, 1_000]);
    assert.deepEqual([none.response_format, none.temperature], [undefined, 0.2]);
    for (const { messages } of [object, none])
      assert.match(JSON.stringify(messages), /fits this JSON Schema: .*boolean/);
    assert.deepEqual([own.temperature, own.response_format], [0.9, undefined]);
  });
});
