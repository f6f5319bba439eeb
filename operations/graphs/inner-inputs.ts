import type { ContainerNode, GraphDefinition, GraphNode } from '../../domain/graphs/definition.ts';
import { type GraphFault, graphFault } from '../../domain/graphs/graph-faults.ts';
import { inputInvalid } from '../../domain/graphs/kinds/inner-graph.ts';
import type { ContainerFault } from '../../domain/graphs/kinds/kind-rules.ts';
import { containerOf, isContainer, readersOf } from '../../domain/graphs/kinds/kind-table.ts';
import { type GraphDocument, pointersRead } from '../../domain/graphs/read-source.ts';
import { scopeWithin } from '../../domain/graphs/run-state.ts';
import { formatPointer, type Json } from '../../domain/json.ts';
import { compileInputSchema, type InputCheck, inputFaults, inputSchemaFaultsOf } from './input-schemas.ts';

/** The inner graphs of a container that are about to begin: from one number up to the size, which is not among them. */
export interface BeginningInner {
  readonly from: number;
  readonly size: number;
  /** The output of the one before the first of them, where their kind hands that on. */
  readonly previous: Json;
}

/**
 * Makes the inputs of inner graphs that are about to begin, and holds each to its graph's schema. The first that does not
 * fit is the fault, with its place: then none of them begins.
 * @param node known by its run's path
 * @throws GraphInvalid for a schema by which nothing can be checked, of a graph that an older release published
 */
export function innerInputFault(
  node: ContainerNode,
  document: GraphDocument,
  { from, size, previous }: BeginningInner,
): ContainerFault | null {
  for (let index = from; index < size; index += 1) {
    const input = containerOf(node).input(node, document, { index, previous });
    if (!input.ok) return input;
    const check = checkOf(node.graph);
    const faults = check === null ? null : inputFaults(check, input.value);
    if (faults === null) continue;
    const place = `/nodes/${scopeWithin(node, node.id, index).slice(0, -1)}`;
    return inputInvalid(`The input of ${place} does not fit the graph "${node.graph.name}": ${faults}.`);
  }
  return null;
}

const checks = new WeakMap<GraphDefinition, InputCheck>();

/** Compiled once for as long as the graph is remembered. Null for a graph that takes any input. */
function checkOf(graph: GraphDefinition): InputCheck | null {
  const { name, inputSchema: schema } = graph;
  if (schema === null) return null;
  const known = checks.get(graph);
  if (known !== undefined) return known;
  const check = compileInputSchema({ graph: name, schema });
  checks.set(graph, check);
  return check;
}

/**
 * What keeps a graph that keeps the rules of graphs from being published: input schemas that cannot check anything, its
 * own and those of inner graphs, and inner inputs that are constant and do not fit.
 */
export function inputFaultsWithin({ name, inputSchema, nodes }: GraphDefinition): readonly GraphFault[] {
  const own = inputSchema === null ? [] : inputSchemaFaultsOf({ graph: name, schema: inputSchema });
  return [...own, ...nodes.flatMap(nodeFaults)];
}

function nodeFaults(node: GraphNode, index: number): readonly GraphFault[] {
  if (!isContainer(node)) return [];
  const path = formatPointer(['nodes', index, 'graph']);
  const within = inputFaultsWithin(node.graph).map((fault) => ({ ...fault, path: `${path}${fault.path}` }));
  const fault = within.length > 0 ? null : constantFault(node);
  return fault === null ? within : [graphFault('inner_input_invalid', ['nodes', index], fault.message)];
}

const NOTHING_READ: GraphDocument = { task: null, nodes: {} };

/** The fault of what is the same in every task: all input of a container that reads nothing, else its constant fields. */
function constantFault(node: ContainerNode): ContainerFault | null {
  if (readersOf(node).some((reader) => pointersRead(reader).length > 0)) return constantFieldsFault(node);
  const opened = containerOf(node).open(node, NOTHING_READ);
  return opened.ok ? innerInputFault(node, NOTHING_READ, { from: 0, size: opened.size, previous: null }) : opened;
}

/**
 * Checks the constant fields of an input against what the schema says of each field by itself. What it says of several
 * fields together may depend on those that are not constant.
 */
function constantFieldsFault({ id, graph, input }: ContainerNode): ContainerFault | null {
  const sources = 'fields' in input ? Object.entries(input.fields) : [];
  const constants = sources.flatMap(([name, source]) => ('value' in source ? [[name, source.value] as const] : []));
  const { properties = {}, $defs = {} } = graph.inputSchema ?? {};
  const check = compileInputSchema({ graph: graph.name, schema: { properties, $defs } });
  const faults = inputFaults(check, Object.fromEntries(constants));
  return faults === null
    ? null
    : inputInvalid(`The input of /nodes/${id} does not fit the graph "${graph.name}": ${faults}.`);
}
