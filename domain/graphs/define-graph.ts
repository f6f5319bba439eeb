import type { HandlerReference } from '../agents/define-handler.ts';
import type { Handler, Schema } from '../agents/handler.ts';
import { writeSchema } from '../agents/schema.ts';
import { errorMessage } from '../errors.ts';
import type {
  Condition,
  Dependency,
  GraphDefinition,
  GraphEdge,
  GraphNode,
  InputMapping,
  InputSource,
} from './definition.ts';
import { type GraphFault, GraphInvalid, graphFault } from './graph-faults.ts';
import type { GraphSpec, NodeSpec, NodeSpecs, SourceSpec, UncheckedNodes } from './graph-spec.ts';
import { inputSchemaFault } from './input-schema-rules.ts';
import { BUDGET_LIMITS, GRAPH_SCHEMA_VERSION, type NodeKind, WIDTH_LIMITS } from './kinds.ts';
import { comparisonsOf, nodeOfPointer } from './read-source.ts';
import { validateGraph } from './validate-graph.ts';

/** A graph as data, and the code that its nodes name. */
export interface Graph {
  readonly definition: GraphDefinition;
  /** Each agent and tool once, in the order of its first node. */
  readonly handlers: readonly Handler[];
}

/**
 * Builds a graph. What a node waits for follows from what it reads: a pointer into another node makes that a required
 * dependency, a pointer that is optional an optional one, `when` a branch; `after` and `afterAny` add an order without
 * data. Where a node is named in several ways, `when` comes before required, and required before optional.
 *
 * What a condition reads is required too, so that it is skipped together with its source; except where it asks
 * whether the node's value `exists`: then it has thought of its absence, and decides in any case.
 *
 * @throws GraphInvalid with every fault, by the rules of {@link validateGraph}.
 */
export function defineGraph<const Nodes extends UncheckedNodes, Input extends Schema<unknown>>(
  spec: GraphSpec<Nodes, Input>,
): Graph {
  // Each node's type was held to NodeSpec one by one, which the compiler does not put together again.
  const specs = spec.nodes as UncheckedNodes as NodeSpecs;
  const ids = Object.keys(specs);
  const nodes = Object.entries(specs).map(([id, node]) => buildNode(id, node, ids));
  const faults: GraphFault[] = handlerFaults(specs);
  const result = validateGraph({
    version: GRAPH_SCHEMA_VERSION,
    name: spec.name,
    description: spec.description ?? '',
    width: spec.width ?? WIDTH_LIMITS.default,
    inputSchema: inputSchemaOf(spec.input, faults),
    documentProperty: spec.document ?? null,
    output: buildMapping(spec.output),
    nodes,
    edges: nodes.flatMap(edgesInto),
  });
  if (!result.ok) faults.push(...result.faults);
  if (!result.ok || faults.length > 0) throw new GraphInvalid(spec.name, faults);
  return Object.freeze({ definition: result.definition, handlers: handlersOf(specs) });
}

function buildNode(id: string, spec: NodeSpec, ids: readonly string[]): GraphNode {
  const handler = handlerOf(spec);
  const budget = { ...DEFAULT_BUDGET, ...spec.budget };
  return {
    id,
    kind: kindOf(spec),
    handler: handler?.name ?? null,
    objective: spec.objective ?? handler?.description ?? 'Decides which branch is taken.',
    quick: handler?.quick ?? true,
    input: buildMapping(spec.input ?? {}),
    condition: spec.condition ?? null,
    budget,
    dependsOn: inOrderOf(ids, dependenciesOf(spec)),
  };
}

const DEFAULT_BUDGET = {
  timeoutMs: BUDGET_LIMITS.timeoutMs.default,
  maxRetries: BUDGET_LIMITS.maxRetries.default,
  inputTokens: BUDGET_LIMITS.inputTokens.default,
  outputTokens: BUDGET_LIMITS.outputTokens.default,
};

function kindOf(spec: NodeSpec): NodeKind {
  if (spec.condition !== undefined) return 'condition';
  return spec.tool === undefined ? 'agent' : 'tool';
}

function handlerOf(spec: NodeSpec): HandlerReference | undefined {
  return spec.agent ?? spec.tool;
}

function buildMapping(input: NonNullable<NodeSpec['input']>): InputMapping {
  if (typeof input === 'string') return { whole: { pointer: input } };
  const fields = Object.entries(input).map(([name, source]) => [name, buildSource(source)] as const);
  return { fields: Object.fromEntries(fields) };
}

function buildSource(source: SourceSpec<string>): InputSource {
  return typeof source === 'string' ? { pointer: source } : source;
}

/** Writes from the weakest to the strongest reason, so that the strongest stays. */
function dependenciesOf(spec: NodeSpec): readonly Dependency[] {
  const found = new Map<string, Dependency>();
  const add = (ids: readonly string[], required: boolean) => {
    for (const node of ids) found.set(node, { node, required });
  };
  const { optional, required } = spec.condition === undefined ? inputReads(spec) : conditionReads(spec.condition);
  add([...optional, ...(spec.afterAny ?? [])], false);
  add([...required, ...(spec.after ?? [])], true);
  for (const [node, when] of Object.entries(spec.when ?? {})) {
    if (when !== undefined) found.set(node, { node, required: true, when });
  }
  return [...found.values()];
}

/** The order of the nodes, which is also the one in which stored dependencies are read back. */
function inOrderOf(ids: readonly string[], dependencies: readonly Dependency[]): readonly Dependency[] {
  return dependencies.toSorted((one, other) => ids.indexOf(one.node) - ids.indexOf(other.node));
}

interface Reads {
  readonly required: readonly string[];
  readonly optional: readonly string[];
}

function inputReads(spec: NodeSpec): Reads {
  const mapping = buildMapping(spec.input ?? {});
  const sources = 'whole' in mapping ? [mapping.whole] : Object.values(mapping.fields);
  const read = (optional: boolean) =>
    sources.flatMap((source) =>
      'pointer' in source && (source.optional ?? false) === optional ? nodesOf([source.pointer]) : [],
    );
  return { required: read(false), optional: read(true) };
}

function conditionReads(condition: Condition): Reads {
  const leaves = comparisonsOf(condition);
  const optional = nodesOf(leaves.filter((leaf) => leaf.is === 'exists').map((leaf) => leaf.pointer));
  const all = nodesOf(leaves.map((leaf) => leaf.pointer));
  return { required: all.filter((id) => !optional.includes(id)), optional };
}

function nodesOf(pointers: readonly string[]): readonly string[] {
  return pointers.map(nodeOfPointer).filter((id) => id !== null);
}

function edgesInto(node: GraphNode): readonly GraphEdge[] {
  return node.dependsOn.map((dependency) => ({
    from: dependency.node,
    to: node.id,
    type: dependency.when === undefined ? 'default' : 'condition',
  }));
}

function inputSchemaOf(schema: Schema<unknown>, faults: GraphFault[]): GraphDefinition['inputSchema'] {
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
  return Object.entries(specs).flatMap(([id, spec], index) => {
    const handler = handlerOf(spec);
    if (handler === undefined) return [];
    const path = ['nodes', index, 'handler'];
    const name = `${handler.kind} "${handler.name}"`;
    const first = known.get(name) ?? handler;
    known.set(name, first);
    if (first !== handler) {
      const message = `There are two different handlers for ${name}; rename that of node "${id}".`;
      return [graphFault('handler_duplicate', path, message)];
    }
    if (spec.condition === undefined && handler.kind === kindOf(spec)) return [];
    const message = `Node "${id}" is of kind ${kindOf(spec)}, but "${handler.name}" is of kind ${handler.kind}.`;
    return [graphFault('handler_kind', path, message)];
  });
}

function handlersOf(specs: NodeSpecs): readonly Handler[] {
  const references = Object.values(specs)
    .map(handlerOf)
    .filter((handler) => handler !== undefined);
  // A node's handler is whole; only its input and output types are out of sight here, as they are for the worker.
  return [...new Set(references)].map((reference) => reference as Handler);
}
