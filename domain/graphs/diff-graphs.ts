import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../json.ts';
import type { GraphDefinition, GraphEdge, GraphNode } from './definition.ts';
import { isContainer, labelOf } from './kinds/kind-table.ts';
import { storedForm, storedNode } from './stored-form.ts';

/**
 * What differs between two versions of a graph, in words: a line for each field, component and connection. Empty for two
 * that are the same.
 * @param scope the containers around both, each with a slash
 */
export function diffGraphs(before: GraphDefinition, after: GraphDefinition, scope = ''): readonly string[] {
  const within = scope === '' ? '' : `${scope.slice(0, -1)}: `;
  return [
    ...valueChanges(headOf(before), headOf(after)).map((change) => `${within}${change}`),
    ...componentChanges(before.nodes, after.nodes, scope),
    ...connectionChanges(before.edges, after.edges, scope),
  ];
}

function headOf(graph: GraphDefinition): Json {
  const { nodes: _, edges: __, version: ___, ...head } = storedForm(graph) as JsonObject;
  return head;
}

function componentChanges(before: readonly GraphNode[], after: readonly GraphNode[], scope: string): readonly string[] {
  const old = new Map(before.map((node) => [node.id, node]));
  const kept = new Set(after.map(({ id }) => id));
  const removed = before
    .filter(({ id }) => !kept.has(id))
    .map((node) => `${scope}${node.id}: removed (${labelOf(node)})`);
  const changed = after.flatMap((node) => {
    const earlier = old.get(node.id);
    return earlier === undefined ? [`${scope}${node.id}: added (${labelOf(node)})`] : nodeChanges(earlier, node, scope);
  });
  const order = (nodes: readonly GraphNode[], others: { has(id: string): boolean }) =>
    nodes
      .map(({ id }) => id)
      .filter((id) => others.has(id))
      .join(' ');
  const moved =
    order(before, kept) === order(after, old)
      ? []
      : [`${scope === '' ? 'components' : scope.slice(0, -1)}: in another order`];
  return [...removed, ...changed, ...moved];
}

function nodeChanges(before: GraphNode, after: GraphNode, scope: string): readonly string[] {
  const own = valueChanges(fieldsOf(before), fieldsOf(after)).map((change) => `${scope}${after.id}: ${change}`);
  const within =
    isContainer(before) && isContainer(after) ? diffGraphs(before.graph, after.graph, `${scope}${after.id}/`) : [];
  return [...own, ...within];
}

/** The inner graph and the connections are compared by themselves. */
function fieldsOf(node: GraphNode): Json {
  const { id: _, dependsOn: __, graph: ___, ...fields } = storedNode(node) as JsonObject;
  return fields;
}

function connectionChanges(
  before: readonly GraphEdge[],
  after: readonly GraphEdge[],
  scope: string,
): readonly string[] {
  const name = ({ from, to }: GraphEdge) => `${scope}${from} → ${scope}${to}`;
  const old = new Map(before.map((edge) => [name(edge), edge.type]));
  const now = new Map(after.map((edge) => [name(edge), edge.type]));
  const removed = [...old].filter(([edge]) => !now.has(edge)).map(([edge, type]) => `${edge}: disconnected (${type})`);
  const changed = [...now].flatMap(([edge, type]) => {
    const was = old.get(edge);
    if (was === type) return [];
    return [was === undefined ? `${edge}: connected (${type})` : `${edge}: ${was} → ${type}`];
  });
  return [...removed, ...changed];
}

/** A line for each value that differs, by the names that lead to it. */
function valueChanges(before: Json, after: Json, path: readonly string[] = []): readonly string[] {
  if (canonicalJson(before) === canonicalJson(after)) return [];
  if (!isJsonObject(before) || !isJsonObject(after)) return [`${path.join('.')} ${shown(before)} → ${shown(after)}`];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => valueChanges(before[name] ?? null, after[name] ?? null, [...path, name]));
}

const MAX_SHOWN = 120;

function shown(value: Json): string {
  const text = value === null ? 'nothing' : JSON.stringify(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN).toWellFormed()}…` : text;
}
