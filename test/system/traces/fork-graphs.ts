import { z } from 'zod';
import { defineAgent, defineGraph, defineTool } from '../../../index.ts';

/** The runs that were carried out, by their paths, in order. */
export const carriedOut: string[] = [];
/** What the effects of these agents have done: the keys. */
export const effects: string[] = [];
/** What a run does before it answers, by its path. */
export const before = new Map<string, () => Promise<void>>();
let count = 0;

const any = z.unknown();

/** Answers with its path, and a number that no other answer has. */
function counting(name: string, quick: boolean) {
  return defineAgent({
    ...{ name, quick, input: any, output: z.unknown() },
    handle: async (input, { nodeId, effect }) => {
      carriedOut.push(nodeId);
      await before.get(nodeId)?.();
      count += 1;
      if (name === 'fork-payer') {
        await effect('pay', { request: null, whenInDoubt: 'stop', call: async (key) => effects.push(key) });
      }
      const size = (input as { size?: number } | null)?.size ?? 0;
      return { by: nodeId, count, of: input, filler: 'x'.repeat(size), good: nodeId.startsWith('loop[3]') };
    },
  });
}

const slow = counting('fork-slow', false);
const quick = counting('fork-quick', true);
const payer = counting('fork-payer', false);

const element = defineGraph({
  name: 'fork-element',
  input: any,
  nodes: {
    draft: { agent: slow, input: { item: '/task/item' } },
    polish: { agent: quick, input: { count: '/nodes/draft/count' } },
  },
  output: '/nodes/polish/count',
});
const round = defineGraph({
  name: 'fork-round',
  input: any,
  nodes: {
    try: { agent: quick, input: { iteration: '/task/iteration' } },
    judge: { agent: slow, input: { of: '/nodes/try/count' } },
  },
  output: { good: '/nodes/judge/good', count: '/nodes/judge/count' },
});

export const chain = defineGraph({
  name: 'fork-chain',
  input: z.object({ size: z.number().optional() }),
  nodes: {
    first: { agent: slow, input: { size: { pointer: '/task/size', optional: true } } },
    aside: { agent: quick },
    second: { agent: slow, input: { of: '/nodes/first/count' } },
    third: { agent: quick, input: { of: '/nodes/second/count', aside: '/nodes/aside/count' } },
  },
  output: { third: '/nodes/third/count', filler: '/nodes/first/filler' },
});
export const paying = defineGraph({
  name: 'fork-paying',
  input: any,
  nodes: { first: { agent: payer }, second: { agent: payer, input: { of: '/nodes/first/count' } } },
  output: '/nodes/second/count',
});
export const listed = defineGraph({
  name: 'fork-listed',
  input: z.object({ items: z.array(z.number()) }),
  width: 1,
  nodes: {
    after: { agent: quick, input: { all: '/nodes/each' } },
    each: { each: element, items: '/task/items', width: 2 },
  },
  output: '/nodes/each',
});
export const repeated = defineGraph({
  name: 'fork-repeated',
  input: any,
  nodes: { loop: { repeat: round, until: { pointer: '/output/good', is: 'truthy' }, most: 5 } },
  output: '/nodes/loop/count',
});
export const quickOnly = defineGraph({
  name: 'fork-quick-only',
  input: any,
  nodes: { one: { agent: quick }, two: { agent: quick, input: { of: '/nodes/one/count' } } },
  output: { one: '/nodes/one/count', two: '/nodes/two/count' },
});

const subject = z.object({ subject: z.string() });
const tool = (name: string, risk: 'read_only' | 'external_write') =>
  defineTool({
    ...{ name, description: name, risk, input: subject, output: any },
    handle: ({ subject: of }) => {
      carriedOut.push(`${name} ${of}`);
      return of === 'huge' ? 'x'.repeat(100_000) : { of };
    },
  });
const thinker = defineAgent({
  name: 'fork-thinker',
  input: any,
  output: z.object({ answer: z.string() }),
  model: 'default',
  instructions: 'Answer.',
  tools: [tool('fork-look', 'read_only'), tool('fork-post', 'external_write')],
  limits: { steps: 6, resultCharacters: 200 },
});
export const thinking = defineGraph({
  name: 'fork-thinking',
  input: any,
  nodes: { prepare: { agent: quick }, answer: { agent: thinker, input: { of: '/nodes/prepare/by' } } },
  output: '/nodes/answer',
});

export const graphs = [chain, paying, listed, repeated, quickOnly, thinking];
