import type { GraphDefinition, GraphNode } from './definition.ts';
import type { GraphState } from './graph-state.ts';
import { rulesOf } from './kinds/kind-table.ts';
import { readySteps, type Step } from './run-state.ts';

/** Whether a step is carried out in a stretch of quick nodes, as are the opening and the turns of a container. */
export function isQuick(node: GraphNode): boolean {
  const drive = rulesOf(node.kind).drive(node);
  return drive === 'inline' || drive === 'container';
}

/**
 * The next steps of a stretch of quick nodes: those that are ready and quick, within the width. A stretch is over when
 * it is empty; slow nodes that are ready then need an activity each.
 */
export function quickStretch(definition: GraphDefinition, state: GraphState): readonly Step[] {
  return readySteps(definition, state).filter(({ node }) => isQuick(node));
}

/** The most steps of a stretch before it is written, so that its rows, and the work lost with its worker, stay few. */
export const MAX_STRETCH_STEPS = 250;
