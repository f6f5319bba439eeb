import type { GraphDefinition, GraphNode } from './definition.ts';
import { type GraphState, readyNodes } from './graph-state.ts';
import { rulesOf } from './kinds/kind-table.ts';

/** Whether a node is carried out as part of a stretch of quick nodes; of a container, its opening and closing are. */
export function isQuick(node: GraphNode): boolean {
  return rulesOf(node.kind).drive(node) !== 'activity';
}

/**
 * The nodes with which a stretch of quick nodes begins or goes on: those that are ready and quick, within the width.
 * A stretch is over when it is empty; slow nodes that are ready then need an activity each.
 */
export function quickStretch(definition: GraphDefinition, state: GraphState): readonly GraphNode[] {
  return readyNodes(definition, state).filter(isQuick);
}
