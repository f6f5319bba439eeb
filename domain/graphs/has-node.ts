import { parsePath, type RunPath } from '../traces/path.ts';
import type { GraphDefinition, GraphNode } from './definition.ts';
import { isContainer } from './kinds/kind-table.ts';

/** Whether a path is one of a node of the graph, or of its inner graphs. */
export function hasNode(definition: GraphDefinition, path: RunPath): boolean {
  const parts = parsePath(path);
  let nodes: readonly GraphNode[] = definition.nodes;
  for (const part of parts ?? []) {
    const node = nodes.find(({ id }) => id === part.node);
    if (node === undefined) return false;
    nodes = isContainer(node) ? node.graph.nodes : [];
  }
  return parts !== null;
}
