import { z } from 'zod';
import { defineAgent, defineGraph } from '../../../index.ts';
import type { Script } from './script.ts';

const anything = z.record(z.string(), z.json());

/** One slow and one quick agent whose nodes do what the script says. */
export function scriptedAgents(script: Script) {
  const slow = defineAgent({
    name: 'slow-step',
    description: 'Does what the test says.',
    retry: { firstMs: 5 },
    input: anything,
    output: z.unknown(),
    handle: (input, context) => script.run(input, context),
  });
  const quick = defineAgent({
    name: 'quick-step',
    quick: true,
    retry: { firstMs: 5 },
    input: anything,
    output: z.unknown(),
    handle: (input, context) => script.run(input, context),
  });
  return { slow, quick };
}

/** Small graphs, each for one promise. All share the two scripted agents. */
export function scriptedGraphs(script: Script) {
  const { slow, quick } = scriptedAgents(script);
  const once = { maxRetries: 0 };
  const brief = { maxRetries: 0, timeoutMs: 300 };
  return {
    /** One slow node. */
    single: defineGraph({
      name: 'single',
      input: anything,
      nodes: { work: { agent: slow, input: '/task', budget: once } },
      output: '/nodes/work',
    }),
    /** Four slow nodes side by side, two at once. */
    wide: defineGraph({
      name: 'wide',
      width: 2,
      input: anything,
      nodes: { a: { agent: slow }, b: { agent: slow }, c: { agent: slow }, d: { agent: slow } },
      output: { a: '/nodes/a', d: '/nodes/d' },
    }),
    /** Two slow nodes, one after the other. */
    chain: defineGraph({
      name: 'chain',
      input: anything,
      nodes: { first: { agent: slow }, second: { agent: slow, input: { before: '/nodes/first' } } },
      output: '/nodes/second',
    }),
    /** Quick nodes only. */
    swift: defineGraph({
      name: 'swift',
      input: anything,
      nodes: {
        one: { agent: quick, input: '/task' },
        two: { agent: quick, input: { before: '/nodes/one' } },
        three: { agent: quick, input: { before: '/nodes/two' } },
      },
      output: '/nodes/three',
    }),
    /** A slow node with one retry, and what follows it. */
    retried: defineGraph({
      name: 'retried',
      input: anything,
      nodes: {
        work: { agent: slow, budget: { maxRetries: 1 } },
        next: { agent: slow, after: ['work'] },
      },
      output: '/nodes/next',
    }),
    /** The same with a quick node. */
    retriedQuick: defineGraph({
      name: 'retried-quick',
      input: anything,
      nodes: {
        work: { agent: quick, budget: { maxRetries: 1 } },
        next: { agent: quick, after: ['work'] },
      },
      output: '/nodes/next',
    }),
    /** One slow and one quick node with 300 ms each; neither is needed. */
    hasty: defineGraph({
      name: 'hasty',
      input: anything,
      nodes: {
        slow: { agent: slow, budget: brief },
        quick: { agent: quick, budget: brief },
        last: { agent: quick, input: { slow: optional('/nodes/slow'), quick: optional('/nodes/quick') } },
      },
      output: '/nodes/last',
    }),
    /** Quick and slow nodes, a condition with two branches, and a fan-in that tolerates. */
    mixed: defineGraph({
      name: 'mixed',
      input: z.object({ urgent: z.boolean() }),
      nodes: {
        read: { agent: quick, input: '/task' },
        urgent: { condition: { pointer: '/task/urgent', is: 'truthy' } },
        alarm: { agent: slow, when: { urgent: 'true' }, input: { read: '/nodes/read' } },
        note: { agent: quick, when: { urgent: 'false' }, input: { read: '/nodes/read' } },
        after: { agent: slow, input: { note: '/nodes/note' } },
        extra: { agent: slow, budget: once },
        join: {
          agent: quick,
          input: {
            alarm: optional('/nodes/alarm'),
            after: optional('/nodes/after'),
            extra: optional('/nodes/extra'),
          },
        },
      },
      output: { read: '/nodes/read', join: '/nodes/join' },
    }),
    /** Two slow branches of which one is needed, and their fan-in. */
    needed: defineGraph({
      name: 'needed',
      input: anything,
      nodes: {
        left: { agent: slow, budget: once },
        right: { agent: slow, budget: once },
        join: { agent: slow, input: { left: '/nodes/left', right: optional('/nodes/right') } },
        last: { agent: quick, input: { join: '/nodes/join' } },
      },
      output: '/nodes/last',
    }),
  };
}

function optional<const Pointer extends string>(pointer: Pointer): { pointer: Pointer; optional: true } {
  return { pointer, optional: true };
}
