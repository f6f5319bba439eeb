import assert from 'node:assert/strict';
import { parseModelSettings } from '../../domain/models/model-settings.ts';
import { openModelCaller } from '../../providers/model-caller.ts';
import { parseScript } from '../../providers/scripted/script.ts';
import { serveScript } from '../../providers/scripted/server.ts';
import { call, request } from '../providers/scripted-models.ts';
import { codeBlocks } from './code-blocks.ts';

describe('the page of models', () => {
  it('shows settings and a script that work as they are', async () => {
    const [settings, script] = codeBlocks('docs/models.md')
      .filter(({ language }) => language === 'json')
      .map(({ text }): unknown => JSON.parse(text));
    const { providers, models } = parseModelSettings(settings);
    const provider = await serveScript(parseScript(script));
    // The second way of the page is the one without a key.
    const spare = { ...providers, spare: { baseUrl: provider.baseUrl, key: 'none' as const, headers: {} } };
    const caller = await openModelCaller({ providers: spare, models });
    const tool = { name: 'look-up-order', description: 'Looks up an order.', inputSchema: { type: 'object' } };
    const question = { role: 'user', text: 'Where is order 7?' } as const;
    const withoutKey = call({ findKey: async () => null });

    const asked = await caller.call(request({ messages: [question], tools: [tool] }), withoutKey);
    const [lookUp] = asked.calls;
    assert.ok(lookUp);
    const answered = await caller.call(
      request({
        messages: [
          question,
          { role: 'assistant', text: asked.text, calls: asked.calls },
          { role: 'tool', callId: lookUp.id, tool: 'look-up-order', text: 'It is on its way.' },
        ],
        tools: [tool],
      }),
      withoutKey,
    );

    assert.deepEqual([lookUp.tool, lookUp.arguments], ['look-up-order', { order: 7 }]);
    assert.match(answered.text, /Order 7 is on its way\./);
    assert.deepEqual([answered.keySource, answered.costMicros], ['none', 0]);
    assert.deepEqual(await provider.close(), []);
  });
});
