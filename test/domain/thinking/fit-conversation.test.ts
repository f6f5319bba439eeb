import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ModelTool } from '../../../domain/models/model-messages.ts';
import { estimateTokens as count, requestTokens } from '../../../domain/models/token-count.ts';
import { fitConversation } from '../../../domain/thinking/fit-conversation.ts';
import { THINKING_LIMITS, type ThinkingLimits } from '../../../domain/thinking/thinking-limits.ts';
import { messagesOf, type StepSaid } from '../../../domain/thinking/transcript.ts';

const byDefault = Object.fromEntries(
  Object.entries(THINKING_LIMITS).map(([name, { byDefault: value }]) => [name, value]),
) as unknown as ThinkingLimits;
const room = { inputTokens: 120_000, count };
const forms = { tools: [], output: null };

/** A step that asks one tool, with a result of so many characters. */
const step = (number: number, characters: number): StepSaid => ({
  text: `thought ${number}`,
  calls: [{ id: `call-${number}`, tool: 'read', arguments: { page: number } }],
  results: [{ callId: `call-${number}`, tool: 'read', text: `result ${number} `.padEnd(characters, '.') }],
  fault: null,
});
const run = (steps: number, characters = 4_000) => ({
  ...{ instructions: 'Read all pages.', input: { book: 'seven' }, notices: [] },
  said: Array.from({ length: steps }, (_, index) => step(index + 1, characters)),
});

describe('the conversation of a thinking agent', () => {
  it('is left as it is while it fits', () => {
    const conversation = run(5);

    const { messages, report } = fitConversation(conversation, { limits: byDefault, room, forms });

    assert.deepEqual(messages, messagesOf(conversation));
    assert.deepEqual(
      report.blocks.map(({ decision }) => decision),
      ['kept', 'kept', 'kept'],
    );
  });

  it('C007: costs no more once its steps have reached their cap, and keeps the newest of them whole', () => {
    const tokens = [30, 60, 500].map((steps) => {
      const { messages } = fitConversation(run(steps), { limits: byDefault, room, forms });
      const text = JSON.stringify(messages);
      assert.ok(text.includes(`result ${steps} `) && text.includes('Read all pages.') && text.includes('seven'));
      assert.equal(messages.filter(({ role }) => role === 'assistant').length, messages.length / 2 - 1);
      return requestTokens({ model: '', messages, ...forms }, count);
    });

    assert.ok(Math.max(...tokens) - Math.min(...tokens) < 60, tokens.join());
    assert.ok(Math.max(...tokens) <= 20_100, tokens.join());
  });

  it('C007: says that steps are left out, in the instructions', () => {
    const [first] = fitConversation(run(60), { limits: byDefault, room, forms }).messages;

    assert.match(first?.text ?? '', /^Read all pages\.\n\n\[Parts of the context were left out/);
  });

  it('C007: shortens a step that alone is too large, and leaves its calls with their results', () => {
    const limits = { ...byDefault, transcriptTokens: 2_000 };
    const large = { ...step(1, 90_000), text: 'x'.repeat(90_000) };
    const calls = [{ id: 'call-1', tool: 'read', arguments: { text: 'y'.repeat(90_000) } }];

    const { messages } = fitConversation({ ...run(0), said: [{ ...large, calls }] }, { limits, room, forms });

    assert.deepEqual(
      messages.map(({ role }) => role),
      ['system', 'user', 'assistant', 'tool'],
    );
    assert.ok(requestTokens({ model: '', messages, ...forms }, count) <= 2_100);
    assert.match(JSON.stringify(messages), /result 1 .*characters left out/);
  });

  it('C007: never exceeds what the model takes, whatever was said, with tools and a notice', () => {
    const tools: ModelTool[] = [{ name: 'read', description: 'Reads. '.repeat(20), inputSchema: { type: 'object' } }];
    const said = fc.array(fc.tuple(fc.nat(30), fc.nat(40_000)), { maxLength: 20 });
    fc.assert(
      fc.property(said, fc.integer({ min: 1_000, max: 60_000 }), fc.nat(50_000), (steps, inputTokens, length) => {
        const conversation = {
          ...{
            instructions: 'wörd😀 '.repeat(length / 20),
            input: 'n'.repeat(length),
            notices: ['This is your last step.'],
          },
          said: steps.map(([number, characters]) => step(number, characters)),
        };
        const asked = { tools, output: { type: 'object' } };

        const { messages } = fitConversation(conversation, {
          ...{ limits: byDefault, room: { inputTokens, count }, forms: asked },
        });

        assert.ok(requestTokens({ model: '', messages, ...asked }, count) <= inputTokens);
      }),
      { numRuns: 200 },
    );
  });
});
