import { formatPointer, toJson } from '../json.ts';
import { nodesNeeded } from './build-mapping.ts';
import { edgeOf, isBoundTo } from './connections.ts';
import type { Dependency, GraphDefinition, GraphEdge, GraphNode } from './definition.ts';
import { type GraphFault, graphFault } from './graph-faults.ts';
import { inputSchemaFaults } from './input-schema-rules.ts';
import { isContainer, rulesOf } from './kinds/kind-table.ts';
import { MAX_NODES } from './kinds.ts';
import { nodesBefore, orderNodes } from './order-nodes.ts';
import { parseGraph } from './parse-graph.ts';
import { MAX_PLAN_LENGTH, planLength } from './plan.ts';
import { nodesRead } from './read-source.ts';

/**
 * Reads a graph from unknown data, stored rows included, and checks every rule of graphs. Returns a definition that the
 * interpreter can trust, in which everything was checked, or all faults at once. Never throws.
 */
export function validateGraph(
  definition: unknown,
):
  | { readonly ok: true; readonly definition: GraphDefinition }
  | { readonly ok: false; readonly faults: readonly GraphFault[] } {
  const faults: GraphFault[] = [];
  const parsed = parseGraph(definition, { path: [], faults });
  faults.push(...ruleFaults(parsed));
  if (faults.length > 0) return { ok: false, faults };
  const stored = toJson(parsed);
  if (stored.ok) return { ok: true, definition: parsed };
  const message = `Expected a value that JSON and PostgreSQL can store, found ${stored.found}.`;
  return { ok: false, faults: [{ code: 'malformed', path: stored.path, message }] };
}

/**
 * All faults across the fields of a graph whose single fields are valid. The rules are independent, so that one fault
 * does not hide another; only a graph with too many nodes is not checked further. O(nodes × dependencies), bounded by
 * the number of nodes that a graph may have.
 */
function ruleFaults(graph: GraphDefinition): readonly GraphFault[] {
  // The reader of the nodes has already noted why there are none.
  if (graph.nodes.length === 0) return [];
  if (graph.nodes.length > MAX_NODES) {
    const found = `Expected at most ${MAX_NODES} nodes, found ${graph.nodes.length}.`;
    return [graphFault('too_many_nodes', ['nodes'], found)];
  }
  return [
    ...planFaults(graph),
    ...duplicateIds(graph),
    ...graph.nodes.flatMap(innerFaults),
    ...graph.nodes.flatMap((node, index) => dependencyFaults(graph, node, index)),
    ...cycleFaults(graph),
    ...edgeFaults(graph),
    ...dependenciesWithoutEdge(graph),
    ...readFaults(graph),
    ...failedReads(graph),
    ...outputFaults(graph),
    ...documentFaults(graph),
    ...inputSchemaFaults(graph.inputSchema),
  ];
}

function planFaults(graph: GraphDefinition): readonly GraphFault[] {
  const length = planLength(graph);
  if (length <= MAX_PLAN_LENGTH) return [];
  const found = `Expected nodes and dependencies of at most ${MAX_PLAN_LENGTH} characters of JSON, found ${length}.`;
  return [graphFault('plan_too_long', ['nodes'], found)];
}

function duplicateIds(graph: GraphDefinition): readonly GraphFault[] {
  const ids = graph.nodes.map((node) => node.id);
  return ids.flatMap((id, index) => {
    if (ids.indexOf(id) === index) return [];
    return [graphFault('node_id_duplicate', ['nodes', index, 'id'], `Expected unique node ids, found "${id}" again.`)];
  });
}

/** The faults of an inner graph, at its place. */
function innerFaults(node: GraphNode, index: number): readonly GraphFault[] {
  if (!isContainer(node)) return [];
  const path = formatPointer(['nodes', index, 'graph']);
  return ruleFaults(node.graph).map((fault) => ({ ...fault, path: `${path}${fault.path}` }));
}

function dependencyFaults(graph: GraphDefinition, node: GraphNode, index: number): readonly GraphFault[] {
  const sources = new Set<string>();
  return node.dependsOn.flatMap((dependency, position) => {
    const path = ['nodes', index, 'dependsOn', position];
    if (dependency.node === node.id) {
      return [graphFault('dependency_self', path, `Node "${node.id}" waits for itself.`)];
    }
    if (sources.size === sources.add(dependency.node).size) {
      const message = `Node "${node.id}" names its dependency on "${dependency.node}" twice.`;
      return [graphFault('dependency_duplicate', path, message)];
    }
    const source = graph.nodes.find((candidate) => candidate.id === dependency.node);
    if (source === undefined) {
      return [graphFault('dependency_unknown', path, `Node "${node.id}" waits for unknown node "${dependency.node}".`)];
    }
    const ofType = [
      ...typeFaults(source, dependency, path),
      ...bindingFaults(graph, { node, source, dependency }, path),
    ];
    return [...whenFaults(source, dependency, path), ...ofType];
  });
}

/** One dependency with its two ends. */
interface Binding {
  readonly node: GraphNode;
  readonly source: GraphNode;
  readonly dependency: Dependency;
}

/** An llm can call only tools, each under a name of its own, and they have nothing else to wait for. */
function bindingFaults(
  graph: GraphDefinition,
  { node, source, dependency }: Binding,
  path: readonly (string | number)[],
): readonly GraphFault[] {
  if (dependency.type !== 'tool') return [];
  const fault = (message: string) => [graphFault('tool_binding', path, message)];
  if (source.kind !== 'llm') return fault(`Only an llm takes tools, but "${source.id}" is of kind ${source.kind}.`);
  if (node.kind !== 'tool')
    return fault(`Only a tool can be bound to "${source.id}", but "${node.id}" is of kind ${node.kind}.`);
  const readsNothing = 'fields' in node.input && Object.keys(node.input.fields).length === 0;
  if (dependency.required || node.dependsOn.some(({ type }) => type !== 'tool') || !readsNothing) {
    return fault(`"${node.id}" is bound to "${source.id}": it cannot wait for anything, nor read an input.`);
  }
  const isSame = (other: GraphNode) =>
    other.kind === 'tool' && other.handler === node.handler && isBoundTo(other, source.id);
  const [first] = graph.nodes.filter(isSame);
  return first === node
    ? []
    : fault(`"${source.id}" has the tool ${node.handler} twice: "${first?.id}" and "${node.id}".`);
}

function whenFaults(
  source: GraphNode,
  dependency: Dependency,
  path: readonly (string | number)[],
): readonly GraphFault[] {
  if (dependency.when === undefined) return [];
  const faults: GraphFault[] = [];
  if (!rulesOf(source.kind).decides) {
    const message = `Only a condition has branches, but "${source.id}" is of kind ${source.kind}.`;
    faults.push(graphFault('when_not_condition', [...path, 'when'], message));
  }
  if (!dependency.required) {
    const message = `A branch of "${source.id}" is taken or not; its dependency must be required.`;
    faults.push(graphFault('when_not_required', [...path, 'required'], message));
  }
  return faults;
}

function typeFaults(
  source: GraphNode,
  { type, required, when }: Dependency,
  path: readonly (string | number)[],
): readonly GraphFault[] {
  const fault = (message: string) => [graphFault('connection_invalid', [...path, 'type'], message)];
  if (type === undefined || type === 'tool') return [];
  if (when !== undefined) return fault(`A branch of "${source.id}" cannot also be a ${type}.`);
  if (type === 'fallback') {
    return required ? fault(`A fallback of "${source.id}" runs if it failed; its dependency cannot be required.`) : [];
  }
  if (rulesOf(source.kind).guards !== true) {
    return fault(`Only a guardrail guards, but "${source.id}" is of kind ${source.kind}.`);
  }
  return required ? [] : fault(`The guardrail "${source.id}" has to pass; its dependency must be required.`);
}

/** A node that waits for itself is a separate fault and not a cycle here. */
function withoutSelf(graph: GraphDefinition): readonly GraphNode[] {
  const first = new Map(graph.nodes.toReversed().map((node) => [node.id, node]));
  return graph.nodes
    .filter((node) => first.get(node.id) === node)
    .map((node) => ({ ...node, dependsOn: node.dependsOn.filter(({ node: id }) => id !== node.id) }));
}

function cycleFaults(graph: GraphDefinition): readonly GraphFault[] {
  const { cycle } = orderNodes(withoutSelf(graph));
  if (cycle === null) return [];
  const circle = [...cycle, cycle[0]].map((id) => `"${id}"`).join(' waits for ');
  return [graphFault('dependency_cycle', ['nodes'], `Nodes wait for each other in a circle: ${circle}.`)];
}

function edgeFaults(graph: GraphDefinition): readonly GraphFault[] {
  const ids = new Set(graph.nodes.map(({ id }) => id));
  const expected = edgesByWay(graph);
  const listed = new Set<string>();
  return graph.edges.flatMap((edge, index) => {
    const path = ['edges', index];
    const name = `The edge from "${edge.from}" to "${edge.to}"`;
    const unknown = [edge.from, edge.to].find((id) => !ids.has(id));
    if (unknown !== undefined) {
      return [graphFault('edge_unknown_node', path, `${name} hangs on unknown node "${unknown}".`)];
    }
    const way = wayOf(edge);
    if (listed.has(way)) return [graphFault('edge_duplicate', path, `${name} is listed twice.`)];
    listed.add(way);
    const type = expected.get(way)?.type;
    if (type === undefined) {
      return [graphFault('edge_without_dependency', path, `${name} has no matching entry in dependsOn.`)];
    }
    if (edge.type === type) return [];
    return [graphFault('edge_type', [...path, 'type'], `${name} must be of type "${type}" as its dependency is.`)];
  });
}

/** From where to where an edge leads. No id that a node may have holds a space. */
function wayOf({ from, to }: GraphEdge): string {
  return `${from} ${to}`;
}

/** The edges that the dependencies stand for; of two on one way the first. */
function edgesByWay({ nodes }: GraphDefinition): ReadonlyMap<string, GraphEdge> {
  const edges = nodes.flatMap(({ id, dependsOn }) => dependsOn.map((dependency) => edgeOf(id, dependency)));
  return new Map(edges.toReversed().map((edge) => [wayOf(edge), edge]));
}

function dependenciesWithoutEdge(graph: GraphDefinition): readonly GraphFault[] {
  const listed = new Set(graph.edges.map(wayOf));
  return graph.nodes.flatMap((node, index) =>
    node.dependsOn.flatMap((dependency, position) => {
      if (listed.has(wayOf(edgeOf(node.id, dependency)))) return [];
      const message = `Node "${node.id}" depends on "${dependency.node}" without an edge that says so.`;
      return [graphFault('dependency_without_edge', ['nodes', index, 'dependsOn', position], message)];
    }),
  );
}

function readFaults(graph: GraphDefinition): readonly GraphFault[] {
  // Worked out only for a node that reads more than what it waits for itself.
  let before: ReturnType<typeof nodesBefore> | undefined;
  const ids = new Set(graph.nodes.map((node) => node.id));
  return graph.nodes.flatMap((node, index) =>
    Object.entries(rulesOf(node.kind).readers(node)).flatMap(([part, reader]) => {
      const path = ['nodes', index, part];
      return nodesRead(reader).flatMap((id) => {
        if (!ids.has(id)) {
          return [graphFault('reads_unknown_node', path, `Node "${node.id}" reads unknown node "${id}".`)];
        }
        if (node.dependsOn.some((dependency) => dependency.node === id)) return [];
        before ??= nodesBefore(withoutSelf(graph));
        // Nodes on a cycle have no order; the cycle is the fault.
        const earlier = before.get(node.id);
        if (earlier === undefined || earlier.has(id)) return [];
        return [graphFault('reads_later_node', path, `Node "${node.id}" reads "${id}" without waiting for it.`)];
      });
    }),
  );
}

/** A fallback that runs because a node failed finds no output of it. */
function failedReads(graph: GraphDefinition): readonly GraphFault[] {
  return graph.nodes.flatMap((node, index) => {
    const failing = node.dependsOn.filter(({ type }) => type === 'fallback').map(({ node: id }) => id);
    return Object.entries(rulesOf(node.kind).readers(node)).flatMap(([part, reader]) => {
      const read = nodesNeeded(reader).required.filter((id) => failing.includes(id));
      return read.map((id) => {
        const message = `Node "${node.id}" runs when "${id}" failed, so it can read it only as "optional" or among "first".`;
        return graphFault('reads_failed_node', ['nodes', index, part], message);
      });
    });
  });
}

function outputFaults(graph: GraphDefinition): readonly GraphFault[] {
  const unknown = nodesRead(graph.output).filter((id) => !graph.nodes.some((node) => node.id === id));
  return unknown.map((id) => graphFault('output_unknown_node', ['output'], `The output reads unknown node "${id}".`));
}

function documentFaults(graph: GraphDefinition): readonly GraphFault[] {
  const properties = graph.inputSchema?.properties;
  const { documentProperty } = graph;
  if (documentProperty === null || typeof properties !== 'object' || properties === null) return [];
  if (Object.hasOwn(properties, documentProperty)) return [];
  const message = `The input has no property "${documentProperty}" that could take a document's text.`;
  return [graphFault('document_unknown', ['documentProperty'], message)];
}
