import type { GraphDefinition, GraphNode } from './definition.ts';
import type { GraphState, NodeState } from './graph-state.ts';
import { labelOf, rulesOf } from './kinds/kind-table.ts';

/**
 * A Markdown table of the nodes in the definition's order, for people: id, handler, status with a condition's outcome
 * or the reason of a skip, attempts. The same state gives the same text.
 */
export function stateTable(definition: GraphDefinition, state: GraphState): string {
  const rows = definition.nodes.map((node) => row(node, state.nodes[node.id]));
  return ['| node | agent | status | attempts |', '|---|---|---|--:|', ...rows].join('\n');
}

/** The same in one line a node, by node id: `ok · summariser`. */
export function stateSummary(definition: GraphDefinition, state: GraphState): Readonly<Record<string, string>> {
  const lines = definition.nodes.map((node) => [node.id, `${statusText(state.nodes[node.id])} · ${labelOf(node)}`]);
  return Object.fromEntries(lines);
}

function row(node: GraphNode, state: NodeState | undefined): string {
  const waits = state?.status === 'running' && rulesOf(node.kind).drive(node) === 'wait';
  const cells = [node.id, labelOf(node), waits ? 'waits' : statusText(state), String(state?.attempts ?? 0)];
  return `| ${cells.map(cell).join(' | ')} |`;
}

function statusText(state: NodeState | undefined): string {
  if (state === undefined) return 'unknown';
  const note = state.outcome ?? state.reason ?? progress(state);
  return note === undefined ? state.status : `${state.status} (${note})`;
}

/** For a running container: how many of its inner graphs have ended. */
function progress({ inner }: NodeState): string | undefined {
  if (inner === undefined) return undefined;
  return `${inner.begun - Object.keys(inner.open).length} of ${inner.size}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ');
}
