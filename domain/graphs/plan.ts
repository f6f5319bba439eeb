import type { GraphDefinition, GraphNode } from './definition.ts';
import { rulesOf } from './kinds/kind-table.ts';
import { storedForm } from './stored-form.ts';

/**
 * The part of a graph that the workflow needs to sequence it. Input mappings, conditions and schemas stay in
 * PostgreSQL, so that the workflow's history has the shape of the work and not its content. It is in the stored form,
 * because a worker of an earlier release may continue it.
 */
export function planOf(definition: GraphDefinition): GraphDefinition {
  const shape = {
    ...definition,
    description: '',
    inputSchema: null,
    output: { fields: {} },
    edges: [],
    nodes: definition.nodes.map((node): GraphNode => ({ ...node, objective: '', ...withoutContent(node) })),
  };
  // The stored form has every field of the graph and more.
  return storedForm(shape) as unknown as GraphDefinition;
}

/** Removes the fields of a kind that the workflow does not need. */
function withoutContent(node: GraphNode): object {
  return { ...rulesOf(node.kind).plan, ...('graph' in node ? { graph: planOf(node.graph) } : {}) };
}

/**
 * The longest plan, in characters of JSON. It is the argument of a workflow, and nothing over 64 KB goes through
 * Temporal. A chain of 200 nodes with usual names fits; dense graphs reach the limit earlier.
 */
export const MAX_PLAN_LENGTH = 60_000;

export function planLength(definition: GraphDefinition): number {
  return JSON.stringify(planOf(definition)).length;
}
