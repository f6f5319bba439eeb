import { z } from 'zod';
import { defineAgent, defineGraph, type Graph } from '../index.ts';
import { handedOn } from './payload.ts';

/** So many elements an each of the benchmark has. */
export const ELEMENTS = 1_000;

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

const text = z.object({ text: z.string() });
const handOn = defineAgent({ name: 'hand-on', quick: true, input: text, output: text, handle: (given) => given });

function fiveInARow(name: string, agent: typeof handOn) {
  return defineGraph({
    name,
    input: text,
    nodes: {
      one: { agent, input: { text: '/task/text' } },
      two: { agent, input: { text: '/nodes/one/text' } },
      three: { agent, input: { text: '/nodes/two/text' } },
      four: { agent, input: { text: '/nodes/three/text' } },
      five: { agent, input: { text: '/nodes/four/text' } },
    },
    output: '/nodes/five',
  });
}

/** Five quick nodes in a row, each of which hands on the text that it is given. */
export const fiveHandingOn = fiveInARow('five-handing-on', handOn);

const makeAnew = defineAgent({
  name: 'make-anew',
  quick: true,
  input: text,
  output: text,
  handle: () => ({ text: handedOn() }),
});

/** The same five nodes, each of which makes a new text, so that no output can stand for another. */
export const fiveMakingAnew = fiveInARow('five-making-anew', makeAnew);

const part = { agent: handOn, input: { text: '/nodes/split/text' } } as const;
const joiner = defineAgent({
  name: 'joiner',
  quick: true,
  input: z.record(z.string(), z.string()),
  output: z.object({ texts: z.array(z.string()) }),
  handle: (given) => ({ texts: Object.values(given) }),
});

/** One quick node, eight side by side that read it, and one that reads all eight. */
export const fanOut = defineGraph({
  name: 'fan-out',
  input: text,
  nodes: {
    split: { agent: handOn, input: { text: '/task/text' } },
    ...{ a: part, b: part, c: part, d: part, e: part, f: part, g: part, h: part },
    join: {
      agent: joiner,
      input: {
        ...{ a: '/nodes/a/text', b: '/nodes/b/text', c: '/nodes/c/text', d: '/nodes/d/text' },
        ...{ e: '/nodes/e/text', f: '/nodes/f/text', g: '/nodes/g/text', h: '/nodes/h/text' },
      },
    },
  },
  output: '/nodes/join',
});

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

function doingNothing(name: string, quick: boolean): Graph {
  const agent = noOp(`${name}-step`, quick);
  const side = { agent, input: {}, after: ['split'] } as const;
  const sides = { a: side, b: side, c: side, d: side, e: side, f: side, g: side, h: side };
  return defineGraph({
    name,
    width: 8,
    input: z.object({}),
    nodes: {
      split: { agent, input: {} },
      ...sides,
      join: { agent, input: {}, after: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] },
    },
    output: '/nodes/join',
  });
}

/** 1 → 8 → 1 nodes that do nothing, each an activity of its own. */
export const slowFanOut = doingNothing('slow-fan-out', false);
/** The same ten, declared quick. */
export const quickFanOut = doingNothing('quick-fan-out', true);

const element = defineGraph({
  name: 'element',
  input: z.object({ item: z.string() }),
  nodes: { only: { agent: handOn, input: { text: '/task/item' } } },
  output: '/nodes/only/text',
});

/** A quick node for each of {@link ELEMENTS} elements, sixteen side by side. */
export const eachElement = defineGraph({
  name: 'each-element',
  input: z.object({ items: z.array(z.string()) }),
  nodes: { all: { each: element, items: '/task/items', width: 16 } },
  output: '/nodes/all',
});
