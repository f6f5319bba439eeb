import { buildMapping } from '../build-mapping.ts';
import type { SubGraphNode } from '../definition.ts';
import { readMapping } from '../read-mapping.ts';
import { innerGraphOf, inputOf } from './inner-graph.ts';
import type { KindRules } from './kind-rules.ts';

/** A sub-graph runs its inner graph once. */
export const subGraph: KindRules<SubGraphNode> = {
  property: 'graph',
  objective: 'Runs a graph.',
  build: (spec) => ({ graph: innerGraphOf(spec.graph), input: buildMapping(spec.input) }),
  fields: ['graph', 'input'],
  parse: (field, readGraph) => {
    const graph = readGraph(...field('graph'));
    return graph === null ? null : { graph, input: readMapping(...field('input')) };
  },
  drive: () => 'container',
  readers: ({ input }) => ({ input }),
  plan: { input: { fields: {} } },
  decides: false,
  container: {
    numbered: false,
    parallel: () => 1,
    open: () => ({ ok: true, size: 1 }),
    input: (node, document) => inputOf(node, document),
    previous: false,
    outputs: () => [0],
    turn: (_, [output]) => ({ ok: true, output: output ?? null }),
  },
};
