import { z } from 'zod';
import { defineAgent, defineGraph, defineTool } from '../../../index.ts';

/** What the tools of these agents did, in the order in which they did it. */
export const did: string[] = [];

const order = z.object({ order: z.string() });
const tool = { input: order, output: z.string() };

/** Gives the other side a key; the line to it is cut during the first call of each order, after it was done. */
const ship = defineTool({
  ...{ name: 'ship', description: 'Ships an order.', risk: 'external_write', effect: 'keyed', ...tool },
  handle: ({ order }, context) =>
    context.effect('ship', {
      request: { order },
      whenInDoubt: 'repeat',
      call: async (key) => {
        did.push(`ship ${key}`);
        if (did.length === 1) throw new Error('the line was cut');
        return 'shipped';
      },
    }),
});

/** Never ends within its time. */
const wait = defineTool({
  ...{ name: 'wait', description: 'Waits.', risk: 'external_write', effect: 'natural', timeoutMs: 100, ...tool },
  handle: () => new Promise<string>(() => undefined),
});

/** Must never be repeated, and says nothing of how far it came. */
const pay = defineTool({
  ...{ name: 'pay', description: 'Pays an order.', risk: 'external_write', ...tool },
  handle: ({ order }) => {
    did.push(`pay ${order}`);
    if (order.startsWith('broken')) throw new Error('the line was cut');
    return 'paid';
  },
});

const spec = {
  ...{ input: z.object({ request: z.string() }), output: z.object({ answer: z.string() }), model: 'default' },
  ...{ instructions: 'See to it.', tools: [ship, wait, pay] },
};

function graphOf(name: string, limits: object) {
  const agent = defineAgent({ ...spec, name, limits });
  const nodes = { see: { agent, input: { request: '/task/request' } } } as const;
  return defineGraph({ name, input: spec.input, nodes, output: '/nodes/see' });
}

const LIMITS = {
  clerk: { steps: 4 },
  'hasty-clerk': { steps: 2 },
  'impatient-clerk': { idleMs: 1_000 },
  'single-clerk': { unanswered: 1 },
  'forgetful-clerk': { steps: 40, transcriptTokens: 2_000 },
};

/** Three nodes of one agent, which run side by side. */
function threeOf(name: string) {
  const see = { agent: defineAgent({ ...spec, name: `${name}-clerk` }), input: { request: '/task/request' } } as const;
  const nodes = { one: see, two: see, three: see };
  return defineGraph({ name, width: 3, input: spec.input, nodes, output: '/nodes/one' });
}

export const CLERKS = Object.keys(LIMITS);
/** Each of them alone in a graph of its name; and two agents three times. */
export const clerks = [
  ...Object.entries(LIMITS).map(([name, limits]) => graphOf(name, limits)),
  ...['free', 'limited'].map(threeOf),
];
