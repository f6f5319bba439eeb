import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../../domain/agents/define-handler.ts';

const input = z.object({ text: z.string() });
const output = z.object({ route: z.enum(['orders', 'talk']) });
const name = 'router';

describe('the types of defineAgent and defineTool', () => {
  it('take the words of an enum from a handler, however it returns them', async () => {
    const tags = z.object({ tags: z.array(z.enum(['a', 'b'])), pair: z.tuple([z.string(), z.literal(3)]) });
    const either = z.union([z.object({ is: z.literal('x'), at: z.date() }), z.object({ is: z.literal('y') })]);
    const handlers = [
      defineAgent({ name, input, output, handle: ({ text }) => ({ route: text ? 'orders' : 'talk' }) }),
      defineAgent({ name, input, output, handle: async ({ text }) => ({ route: text ? 'orders' : 'talk' }) }),
      defineAgent({ name, input, output, handle: () => ({ route: 'talk' }) }),
      defineAgent({ name, input, output: output.shape.route, handle: () => 'talk' }),
      defineAgent({ name, input, output: tags, handle: ({ text }) => ({ tags: ['a', 'b'], pair: [text, 3] }) }),
      defineTool({ name, input, output, handle: ({ text }) => ({ route: text ? 'orders' : 'talk' }) }),
      defineTool({ name, input, output, handle: async () => ({ route: 'talk' }) }),
      defineTool({ name, input, output: either, handle: ({ text }) => ({ is: text ? 'y' : 'x', at: new Date() }) }),
      defineTool({ name, input, output: z.unknown(), handle: () => new Map() }),
    ];

    assert.equal(handlers.length, 9);
  });

  it('refuse a word that the enum does not have, an object without a property, and a handler without a return', () => {
    // @ts-expect-error "order" is not one of the words
    defineAgent({ name, input, output, handle: ({ text }) => ({ route: text ? 'order' : 'talk' }) });
    // @ts-expect-error nor is it without an argument
    defineAgent({ name, input, output, handle: async () => ({ route: 'order' }) });
    // @ts-expect-error the route is missing
    defineTool({ name, input, output, handle: () => ({ text: 'talk' }) });
    // @ts-expect-error nothing is returned
    defineTool({ name, input, output, handle: () => undefined });
  });
});
