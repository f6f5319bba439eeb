import { z } from 'zod';
import { defineAgent, defineGraph } from '../../../index.ts';

/** Graphs whose nodes run others as tasks of their own, for workers in processes of their own too. */
const anything = z.record(z.string(), z.json());

/** How often each was called in this process. */
export const calls = { count: 0, fragile: 0 };

const count = defineAgent({
  ...{ name: 'child-count', quick: true, input: z.object({ n: z.number() }), output: z.object({ n: z.number() }) },
  handle: ({ n }) => {
    calls.count += 1;
    return { n: n + 1 };
  },
});
const refuse = defineAgent({
  ...{ name: 'child-refuse', quick: true, input: anything, output: anything },
  handle: () => {
    throw new Error('It never works.');
  },
});
/** Fails the first time. */
const fragile = defineAgent({
  ...{ name: 'child-fragile', quick: true, input: anything, output: anything },
  handle: (given) => {
    calls.fragile += 1;
    if (calls.fragile === 1) throw new Error('Not yet.');
    return given;
  },
});

export const counting = defineGraph({
  name: 'child-counting',
  input: z.object({ n: z.number() }),
  nodes: { count: { agent: count, input: { n: '/task/n' } } },
  output: '/nodes/count',
});

const refusing = defineGraph({
  name: 'child-refusing',
  input: anything,
  nodes: { refuse: { agent: refuse, input: {} } },
  output: '/nodes/refuse',
});

/** Waits until somebody sends it a message. */
const listening = defineGraph({
  name: 'child-listening',
  input: anything,
  nodes: { told: { wait: { for: 'message', name: 'told' } } },
  output: '/nodes/told',
});

const n = z.object({ n: z.number() });

/** A child, and a node that reads it. */
export const family = defineGraph({
  name: 'family',
  input: n,
  nodes: {
    child: { child: counting, input: { n: '/task/n' } },
    after: { agent: count, input: { n: '/nodes/child/n' } },
  },
  output: '/nodes/after',
});

export const unlucky = defineGraph({
  name: 'unlucky',
  input: anything,
  nodes: { child: { child: refusing, input: {} } },
  output: '/nodes/child',
});

/** A child in an inner graph, whose own child waits. */
const between = defineGraph({
  name: 'child-between',
  input: anything,
  nodes: { below: { child: listening, input: {} } },
  output: '/nodes/below',
});
export const patient = defineGraph({
  name: 'patient',
  input: anything,
  nodes: {
    inner: {
      graph: defineGraph({
        name: 'child-inner',
        input: anything,
        nodes: { child: { child: between, input: {} } },
        output: '/nodes/child',
      }),
      input: {},
    },
  },
  output: '/nodes/inner',
});

/** Fails after its child has completed, the first time. */
export const retried = defineGraph({
  name: 'retried',
  input: n,
  nodes: {
    child: { child: counting, input: { n: '/task/n' } },
    fragile: { agent: fragile, input: { n: '/nodes/child/n' }, budget: { maxRetries: 0 } },
  },
  output: '/nodes/fragile',
});

export const endless = defineGraph({
  name: 'endless',
  input: anything,
  nodes: { child: { child: 'endless', input: {} } },
  output: '/nodes/child',
});

export const mistaken = defineGraph({
  name: 'mistaken',
  input: anything,
  nodes: { child: { child: counting, input: { n: '/task/n' } } },
  output: '/nodes/child',
});

export const graphs = [family, unlucky, patient, retried, endless, mistaken];
