import type { GraphDefinition } from '../graphs/definition.ts';
import { DEFAULT_BUDGET, GRAPH_SCHEMA_VERSION } from '../graphs/kinds.ts';
import type { Judge } from './evaluation.ts';

/** The graph by which an agent or a tool scores a case: its one node. */
export function judgeGraph({ kind, name, thinks }: Judge): GraphDefinition {
  const called = { handler: name, quick: false, budget: DEFAULT_BUDGET, ...(thinks ? { thinks: true as const } : {}) };
  const input = { fields: { output: { pointer: '/task/output' }, case: { pointer: '/task/case' } } };
  return {
    version: GRAPH_SCHEMA_VERSION,
    name: `judge-${kind}-${name}`,
    description: `Scores the case of an evaluation by the ${kind} ${name}.`,
    width: 1,
    inputSchema: null,
    documentProperty: null,
    output: { whole: { pointer: '/nodes/score' } },
    nodes: [{ id: 'score', kind, objective: '', ...called, input, dependsOn: [] }],
    edges: [],
  };
}
