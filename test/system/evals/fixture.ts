import { z } from 'zod';
import { defineAgent, defineEval, defineGraph, defineTool } from '../../../index.ts';

const number = z.object({ number: z.number() });

/** Fails for a negative number. */
const doubler = defineAgent({
  name: 'doubler',
  input: number,
  output: number,
  handle: (of) => {
    if (of.number < 0) throw new Error('It is negative.');
    return { number: of.number * 2 };
  },
});

/** Adds nothing: a version that is worse. */
const copier = defineAgent({ name: 'copier', input: number, output: number, handle: (of) => of });

const reads = { number: '/task/number' } as const;
export const doubles = defineGraph({
  name: 'doubles',
  input: number,
  nodes: { double: { agent: doubler, input: reads, budget: { maxRetries: 0 } } },
  output: '/nodes/double',
});
export const copies = defineGraph({
  name: 'doubles',
  input: number,
  nodes: { double: { agent: copier, input: reads } },
  output: '/nodes/double',
});

/** A scorer that a worker hosts. */
export const closeness = defineTool({
  name: 'closeness',
  risk: 'read_only',
  input: z.object({ output: number, case: z.object({ expect: z.number() }) }),
  output: z.object({ score: z.number(), reason: z.string() }),
  handle: ({ output, case: { expect } }) => {
    const distance = Math.abs(output.number - expect);
    return { score: 1 / (1 + distance), reason: `${distance} off` };
  },
});

export const CASES = 12;

/** With this variable, what the code is to score after the first four cases never comes to an end. */
const hangs = () => process.env.EVAL_HANGS === '1';

export const evaluation = defineEval({
  name: 'doubling',
  graph: doubles,
  cases: Array.from({ length: CASES }, (_, at) => ({ name: `case-${at + 1}`, input: { number: at }, expect: at * 2 })),
  scorers: {
    exact: async (output, { name, expect }) => {
      if (hangs() && Number(name.slice(5)) > 4) await new Promise(() => undefined);
      return (output as { number: number }).number === expect;
    },
    close: closeness,
  },
});
