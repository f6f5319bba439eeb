import { z } from 'zod';
import { defineAgent, defineGraph, type Graph } from '../index.ts';

function noOp(name: string, quick: boolean) {
  return defineAgent({
    name,
    quick,
    input: z.object({}),
    output: z.object({}),
    handle: () => ({}),
  });
}

function fiveNodes(name: string, quick: boolean): Graph {
  const agent = noOp(`${name}-step`, quick);
  return defineGraph({
    name,
    input: z.object({}),
    nodes: {
      one: { agent, input: {} },
      two: { agent, input: {}, after: ['one'] },
      three: { agent, input: {}, after: ['two'] },
      four: { agent, input: {}, after: ['three'] },
      five: { agent, input: {}, after: ['four'] },
    },
    output: '/nodes/five',
  });
}

/** Five nodes in a row that do nothing, each an activity of its own. */
export const fiveSlowNodes = fiveNodes('five-slow-nodes', false);
/** The same five, declared quick. */
export const fiveQuickNodes = fiveNodes('five-quick-nodes', true);

const labelled = z.object({ label: z.string() });

/** One quick node that does nothing: the smallest task, for measurements that end before it is carried out. */
export const oneQuickNode = defineGraph({
  name: 'one-quick-node',
  input: labelled,
  nodes: {
    only: {
      agent: defineAgent({
        name: 'one-quick-node-step',
        quick: true,
        input: labelled,
        output: z.object({}),
        handle: () => ({}),
      }),
      input: { label: '/task/label' },
    },
  },
  output: '/nodes/only',
});
