import { z } from 'zod';
import { defineAgent, defineGraph } from '../../index.ts';
import type { Script } from '../system/acceptance/script.ts';

const anything = z.record(z.string(), z.json());

/** A graph with an agent of its own, and one for each kind of container, named like it. */
export function containerGraphs(script: Script) {
  const agent = (name: string, quick = false) =>
    defineAgent({
      ...{ name, quick, input: anything, output: z.unknown() },
      handle: (input, context) => script.run(input, context),
    });
  const [slow, quick, rareStep] = [agent('inner-slow'), agent('inner-quick', true), agent('rare-step')] as const;
  const inner = defineGraph({
    name: 'inner',
    input: anything,
    nodes: { step: { agent: slow, input: '/task' }, note: { agent: quick, input: { step: '/nodes/step' } } },
    output: { round: '/task/iteration' },
  });
  const nested = defineGraph({
    name: 'nested',
    input: anything,
    nodes: { all: { graph: inner, input: { iteration: { value: 0 } } } },
    output: '/nodes/all',
  });
  const containers = [
    defineGraph({
      name: 'sub-graph',
      input: anything,
      nodes: { all: { graph: inner, input: { iteration: { value: 0 } } } },
      output: '/nodes/all',
    }),
    defineGraph({
      name: 'each',
      input: anything,
      nodes: { all: { each: nested, items: { value: [1, 2, 3] }, width: 2 } },
      output: { all: '/nodes/all' },
    }),
    defineGraph({
      name: 'repeat',
      input: anything,
      nodes: { all: { repeat: inner, until: { pointer: '/output/round', is: 'gte', value: 2 }, most: 5 } },
      output: '/nodes/all',
    }),
  ];
  const rare = defineGraph({
    name: 'rare',
    input: anything,
    nodes: { first: { agent: slow }, second: { agent: rareStep, after: ['first'] } },
    output: '/nodes/second',
  });
  return { rare, containers };
}
