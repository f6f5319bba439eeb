import type { Dependency, GraphDefinition } from '../../domain/graphs/definition.ts';
import type { NodeKind } from '../../domain/graphs/kinds.ts';

/** A node of the graph that a trace carries out. */
export interface NodeOutline {
  readonly id: string;
  readonly kind: NodeKind;
  /** The agent or the tool; null for a node that calls none. */
  readonly calls: string | null;
  readonly dependsOn: readonly Dependency[];
  /** The nodes of a container's inner graph; empty for any other. */
  readonly inner: readonly NodeOutline[];
}

/** The nodes of a graph and how they hang together, without what they do. */
export function outlineOf({ nodes }: GraphDefinition): readonly NodeOutline[] {
  return nodes.map((node) => ({
    id: node.id,
    kind: node.kind,
    calls: 'handler' in node ? node.handler : null,
    dependsOn: node.dependsOn,
    inner: 'graph' in node ? outlineOf(node.graph) : [],
  }));
}
