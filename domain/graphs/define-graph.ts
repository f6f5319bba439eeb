import { type HandlerReference, isSchema } from '../agents/define-handler.ts';
import type { Handler, Schema } from '../agents/handler.ts';
import { writeSchema } from '../agents/schema.ts';
import { errorMessage } from '../errors.ts';
import { buildMapping, nodesNeeded } from './build-mapping.ts';
import { edgeOf } from './connections.ts';
import type { Graph } from './defined-graph.ts';
import type { Dependency, GraphDefinition, GraphEdge, GraphNode } from './definition.ts';
import { type GraphFault, GraphInvalid, graphFault } from './graph-faults.ts';
import type { GraphSpec, NodeSpec, NodeSpecs, UncheckedNodes } from './graph-spec.ts';
import { inputSchemaFault } from './input-schema-rules.ts';
import { propertiesOf, readersOf, rulesOf } from './kinds/kind-table.ts';
import { GRAPH_SCHEMA_VERSION, NODE_KINDS, type NodeKind, WIDTH_LIMITS } from './kinds.ts';
import { parseGraph } from './parse-graph.ts';
import { nameOf } from './read-unknown.ts';
import { writtenFaults } from './spec-faults.ts';
import { takenNames } from './taken-names.ts';
import { validateGraph } from './validate-graph.ts';

/**
 * Builds a graph. What a node waits for follows from what it reads: a pointer into another node makes that a required
 * dependency, a pointer that is optional an optional one, `when` a branch; `after` and `afterAny` add an order without
 * data; `guardedBy` names guardrails that have to pass, `fallbackOf` nodes one of which has to fail. If a node is named
 * in several ways, the strongest counts: `when`, then `fallbackOf`, `guardedBy`, required, optional.
 *
 * What a condition reads is required too, so that it is skipped together with its source; unless it tests whether the
 * node's value `exists`: then it expects its absence and decides in any case.
 *
 * @throws GraphInvalid with every fault, by the rules of {@link validateGraph}.
 */
export function defineGraph<const Nodes extends UncheckedNodes, Input extends Schema<unknown>>(
  spec: GraphSpec<Nodes, Input>,
): Graph {
  // Each node was checked against NodeSpec one by one; the compiler cannot combine the results.
  const specs = spec.nodes as UncheckedNodes as NodeSpecs;
  const faults = [...writtenFaults(spec, specs)];
  if (faults.some(({ code }) => code === 'malformed')) throw new GraphInvalid(spec.name, faults);
  faults.push(...handlerFaults(specs));
  const result = validateGraph(buildDefinition(spec, specs, inputSchemaOf(spec.input, faults)));
  faults.push(...(result.ok ? takenNames(result.definition) : result.faults));
  if (!result.ok || faults.length > 0) throw new GraphInvalid(spec.name, faults);
  const children = childrenOf(specs);
  return Object.freeze({
    ...{ definition: result.definition, handlers: handlersOf(specs) },
    ...(children.length > 0 && { children }),
  });
}

/** A graph as it is written, apart from its nodes and its input. */
export interface WrittenHead
  extends Pick<GraphSpec<UncheckedNodes, Schema<unknown>>, 'name' | 'description' | 'width'> {
  readonly document?: string;
  readonly output: NonNullable<NodeSpec['input']>;
}

/** The definition of what is written, with the dependencies that follow from what nodes read. It is not validated yet. */
export function buildDefinition(
  { name, description = '', width = WIDTH_LIMITS.default, document, output }: WrittenHead,
  specs: NodeSpecs,
  inputSchema: GraphDefinition['inputSchema'],
): GraphDefinition {
  const nodes = Object.entries(specs).map(([id, node]) => buildNode(id, node, specs));
  return {
    ...{ version: GRAPH_SCHEMA_VERSION, name, description, width, inputSchema },
    documentProperty: document ?? null,
    output: buildMapping(output),
    nodes,
    edges: nodes.flatMap(edgesOf),
  };
}

function buildNode(id: string, spec: NodeSpec, specs: NodeSpecs): GraphNode {
  const kind = kindOf(spec);
  const rules = rulesOf(kind);
  const objective = spec.objective ?? rules.brings(spec).handler?.description ?? rules.objective;
  // The kind's own rules have made its own fields; the compiler does not see that they belong together.
  const node = { id, kind, objective, ...rules.build(spec) } as GraphNode;
  const dependsOn = [...dependenciesOf(readable(node), spec), ...bindingsOf(id, specs)];
  return { ...node, dependsOn: inOrderOf(Object.keys(specs), dependsOn) };
}

/**
 * A node without what its kind cannot read: what a person wrote, or a document says, may be anything. The validation tells
 * the faults.
 */
function readable(node: GraphNode): GraphNode {
  const given: Readonly<Record<string, unknown>> = { ...node };
  const nowhere = { path: [], faults: [] };
  const read = rulesOf(node.kind).parse((name) => [given[name], nowhere], parseGraph);
  return { ...node, ...read } as GraphNode;
}

/** The first kind of which the node has a property; one without any is an agent, which then has no handler. */
function kindOf(spec: NodeSpec): NodeKind {
  return NODE_KINDS.find((kind) => propertiesOf(kind).some((property) => spec[property] !== undefined)) ?? 'agent';
}

function handlerOf(spec: NodeSpec): HandlerReference | undefined {
  return rulesOf(kindOf(spec)).brings(spec).handler;
}

/** Writes from the weakest to the strongest reason, so that the strongest remains. */
function dependenciesOf(node: GraphNode, spec: NodeSpec): readonly Dependency[] {
  const found = new Map<string, Dependency>();
  const add = (ids: readonly string[], required: boolean) => {
    for (const id of ids) found.set(id, { node: id, required });
  };
  const reads = readersOf(node).map(nodesNeeded);
  add([...reads.flatMap(({ optional }) => optional), ...(spec.afterAny ?? [])], false);
  add([...reads.flatMap(({ required }) => required), ...(spec.after ?? [])], true);
  for (const id of spec.guardedBy ?? []) found.set(id, { node: id, required: true, type: 'guard' });
  for (const id of spec.fallbackOf ?? []) found.set(id, { node: id, required: false, type: 'fallback' });
  for (const [id, when] of Object.entries(spec.when ?? {})) {
    if (when !== undefined) found.set(id, { node: id, required: true, when });
  }
  return [...found.values()];
}

/** The llms that have a node as their tool. */
function bindingsOf(id: string, specs: NodeSpecs): readonly Dependency[] {
  const holders = Object.entries(specs).filter(([, { llm }]) => llm?.tools?.includes(id));
  return holders.map(([node]) => ({ node, required: false, type: 'tool' }));
}

/** The order of the nodes, which is also the one in which stored dependencies are read back. */
function inOrderOf(ids: readonly string[], dependencies: readonly Dependency[]): readonly Dependency[] {
  const places = new Map(ids.map((id, index) => [id, index]));
  const placeOf = ({ node }: Dependency) => places.get(node) ?? -1;
  return dependencies.toSorted((one, other) => placeOf(one) - placeOf(other));
}

function edgesOf(node: GraphNode): readonly GraphEdge[] {
  return node.dependsOn.map((dependency) => edgeOf(node.id, dependency));
}

function inputSchemaOf(schema: Schema<unknown>, faults: GraphFault[]): GraphDefinition['inputSchema'] {
  if (!isSchema(schema)) {
    const message = `Expected a Standard Schema as input, one of Zod for example, found ${nameOf(schema)}.`;
    faults.push(inputSchemaFault([], message));
    return null;
  }
  try {
    const { jsonSchema, lostFlags } = writeSchema(schema);
    for (const { path, regex } of lostFlags) {
      const message = `JSON Schema has no flags, so ${regex} would mean /${regex.source}/u. Write the pattern without flags, like [Xx] for x and X.`;
      faults.push(inputSchemaFault(path, message));
    }
    return jsonSchema;
  } catch (error) {
    faults.push(inputSchemaFault([], `The input cannot be written as JSON Schema: ${errorMessage(error)}`));
    return null;
  }
}

/** Faults that only the builder can have: the wrong kind of handler, and two agents or tools of one name. */
function handlerFaults(specs: NodeSpecs): GraphFault[] {
  const known = new Map<string, HandlerReference>();
  return Object.entries(specs).flatMap(([id, spec], index) =>
    referencesOf(spec).flatMap((handler) => {
      const path = ['nodes', index, 'handler'];
      const name = `${handler.kind} "${handler.name}"`;
      const first = known.get(name) ?? handler;
      known.set(name, first);
      if (first !== handler) {
        const message = `There are two different handlers for ${name}; rename that of node "${id}".`;
        return [graphFault('handler_duplicate', path, message)];
      }
      if (handler !== handlerOf(spec) || handler.kind === kindOf(spec)) return [];
      const message = `Node "${id}" is of kind ${kindOf(spec)}, but "${handler.name}" is of kind ${handler.kind}.`;
      return [graphFault('handler_kind', path, message)];
    }),
  );
}

/** Its own handler, or those of its inner graph. */
function referencesOf(spec: NodeSpec): readonly HandlerReference[] {
  const { handler, graph } = rulesOf(kindOf(spec)).brings(spec);
  return [...(handler === undefined ? [] : [handler]), ...(graph?.handlers ?? [])];
}

function handlersOf(specs: NodeSpecs): readonly Handler[] {
  const references = Object.values(specs).flatMap(referencesOf);
  // A node's handler is complete; only its input and output types are unknown here, as they are for the worker.
  return [...new Set(references)].map((reference) => reference as Handler);
}

/** What runs as tasks of their own, inner graphs included. */
function childrenOf(specs: NodeSpecs): readonly Graph[] {
  const found = Object.values(specs).flatMap((spec) => {
    const { graph } = rulesOf(kindOf(spec)).brings(spec);
    return graph === undefined ? [] : spec.child === graph ? [graph] : (graph.children ?? []);
  });
  return [...new Set(found)];
}
