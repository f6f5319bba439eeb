import { connectionTypeOf, type Dependency, type GraphEdge, type GraphNode } from './definition.ts';

/**
 * The edge that says the same as a dependency: from what is waited for to the node that waits. Only that of a bound tool points
 * the other way, from the tool to the llm that may call it.
 */
export function edgeOf(waiter: string, dependency: Dependency): GraphEdge {
  const { node } = dependency;
  const type = connectionTypeOf(dependency);
  return type === 'tool' ? { from: waiter, to: node, type } : { from: node, to: waiter, type };
}

/** Whether a node is bound to an llm as its tool. */
export function isBound({ dependsOn }: Pick<GraphNode, 'dependsOn'>): boolean {
  return dependsOn.some(({ type }) => type === 'tool');
}

/** Whether it is bound to this very one. */
export function isBoundTo({ dependsOn }: Pick<GraphNode, 'dependsOn'>, llm: string): boolean {
  return dependsOn.some(({ type, node }) => type === 'tool' && node === llm);
}

/** Why a bound tool is skipped. */
export const NOT_CALLED = 'the model did not call it';
