import { buildMapping } from '../build-mapping.ts';
import type { SubGraphNode } from '../definition.ts';
import { readMapping } from '../read-mapping.ts';
import { innerGraphOf, inputOf } from './inner-graph.ts';
import type { KindRules } from './kind-rules.ts';

/** A sub-graph runs its inner graph once. */
export const subGraph: KindRules<SubGraphNode> = {
  property: 'graph',
  written: ['input'],
  objective: 'Runs a graph.',
  brings: ({ graph }) => ({ graph }),
  build: (spec) => ({ graph: innerGraphOf(spec.graph), input: buildMapping(spec.input) }),
  fields: ['graph', 'input'],
  parse: (field, readGraph) => ({ graph: readGraph(...field('graph')), input: readMapping(...field('input')) }),
  drive: () => 'container',
  readers: ({ input }) => ({ input }),
  plan: { input: { fields: {} } },
  decides: false,
  container: {
    numbered: false,
    gives: [],
    parallel: () => 1,
    open: () => ({ ok: true, size: 1 }),
    input: (node, document) => inputOf(node, document),
    previous: false,
    outputs: () => [0],
    turn: (_, [output]) => ({ ok: true, output: output ?? null }),
  },
};
