import type { Dependency, GraphDefinition, GraphNode } from '../../domain/graphs/definition.ts';
import { labelOf } from '../../domain/graphs/kinds/kind-table.ts';
import { orderNodes } from '../../domain/graphs/order-nodes.ts';
import { plain, shorten } from '../output/formatting.ts';
import type { Colors } from '../output/output.ts';

/**
 * Draws a graph for a terminal: a node a line, in layers, each of which waits for those above; with what the node does and
 * which nodes it waits for. Inner graphs follow their containers.
 */
export function graphText(definition: GraphDefinition, colors: Colors, indent = ''): string {
  const { nodes } = definition;
  const width = Math.max(...nodes.map(({ id }) => id.length));
  const drawn = (node: GraphNode, bar: string) => {
    const label = labelOf(node);
    const kind = label === node.kind ? node.kind : `${node.kind} ${label}`;
    const line = `${indent}${colors.dim(bar)} ${colors.bold(node.id.padEnd(width))}  ${plain(kind)}${afterText(node, colors)}`;
    return 'graph' in node ? [line, graphText(node.graph, colors, `${indent}${colors.dim('│')}   `)] : [line];
  };
  return layersOf(nodes)
    .map((layer) => layer.flatMap((node, row) => drawn(node, barOf(row, layer.length))).join('\n'))
    .join(`\n${indent}${colors.dim('│')}\n`);
}

function barOf(row: number, rows: number): string {
  if (rows === 1) return '─';
  return row === 0 ? '┬' : row === rows - 1 ? '└' : '├';
}

function afterText({ dependsOn }: GraphNode, colors: Colors): string {
  return dependsOn.length === 0 ? '' : colors.dim(`  ← ${shorten(dependsOn.map(waitText).join(', '), 100)}`);
}

/** A branch with its outcome, a guard and a fallback with what they ask for; one that need not be well with a question mark. */
function waitText({ node, required, when, type }: Dependency): string {
  if (when !== undefined) return `${node} is ${when}`;
  if (type !== undefined) return `${node} ${type === 'guard' ? 'passes' : 'fails'}`;
  return required ? node : `${node}?`;
}

/** Each node one layer below the last one that it waits for; in the order of the definition. */
function layersOf(nodes: readonly GraphNode[]): readonly (readonly GraphNode[])[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const layers = new Map<string, number>();
  for (const id of orderNodes(nodes).order) {
    const before = (byId.get(id)?.dependsOn ?? []).map(({ node }) => layers.get(node) ?? 0);
    layers.set(id, Math.max(0, ...before.map((layer) => layer + 1)));
  }
  const found = Map.groupBy(nodes, ({ id }) => layers.get(id) ?? 0);
  return [...found].toSorted(([one], [other]) => one - other).map(([, layer]) => layer);
}
