import type { GraphDefinition, GraphNode } from './definition.ts';
import type { GraphState } from './graph-state.ts';
import { rulesOf } from './kinds/kind-table.ts';
import { readySteps, type Step } from './run-state.ts';

/** Whether a node is carried out as part of a stretch of quick nodes; of a container, its opening and its turns are. */
export function isQuick(node: GraphNode): boolean {
  return rulesOf(node.kind).drive(node) !== 'activity';
}

/**
 * The steps with which a stretch of quick nodes begins or goes on: those that are ready and quick, within the width.
 * A stretch is over when it is empty; slow nodes that are ready then need an activity each.
 */
export function quickStretch(definition: GraphDefinition, state: GraphState): readonly Step[] {
  return readySteps(definition, state).filter(({ node }) => isQuick(node));
}

/** How many steps a stretch takes at most before it is written: its rows, and what is lost with its worker, stay few. */
export const MAX_STRETCH_STEPS = 250;
