import type { GraphDefinition, GraphNode } from './definition.ts';
import { type GraphState, readyNodes } from './graph-state.ts';

/** Whether a node may run as part of a stretch: a condition always, an agent or a tool when its handler is quick. */
export function isQuick(node: GraphNode): boolean {
  return node.kind === 'condition' || node.quick;
}

/**
 * The nodes with which a stretch of quick nodes begins or goes on: those that are ready and quick, within the width.
 * A stretch is over when it is empty; slow nodes that are ready then need an activity each.
 */
export function quickStretch(definition: GraphDefinition, state: GraphState): readonly GraphNode[] {
  return readyNodes(definition, state).filter(isQuick);
}
