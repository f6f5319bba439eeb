import type { GraphDefinition } from './definition.ts';

/**
 * The part of a graph that the workflow needs to sequence it. Input mappings, conditions and schemas stay in
 * PostgreSQL, so that the workflow's history holds the shape of the work and not its content.
 */
export function planOf(definition: GraphDefinition): GraphDefinition {
  return {
    ...definition,
    description: '',
    inputSchema: null,
    output: { fields: {} },
    edges: [],
    nodes: definition.nodes.map((node) => ({ ...node, objective: '', input: { fields: {} }, condition: null })),
  };
}

/**
 * How long a plan may be, in characters of JSON. It is the argument of a workflow, and nothing over 64 KB goes through
 * Temporal. 200 nodes in a row fit with usual names; dense graphs reach it earlier.
 */
export const MAX_PLAN_LENGTH = 60_000;

export function planLength(definition: GraphDefinition): number {
  return JSON.stringify(planOf(definition)).length;
}
