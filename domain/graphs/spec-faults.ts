import type { Schema } from '../agents/handler.ts';
import { isJsonObject } from '../json.ts';
import { nearestName } from '../nearest-name.ts';
import { type GraphFault, graphFault } from './graph-faults.ts';
import type { GraphSpec, NodeOptions, NodeSpec, NodeSpecs, UncheckedNodes } from './graph-spec.ts';
import { propertiesOf, rulesOf } from './kinds/kind-table.ts';
import { BUDGET_LIMITS, NODE_KINDS, type NodeKind } from './kinds.ts';
import { OPERATION_NAME_PATTERN } from './names.ts';
import { nameOf } from './read-unknown.ts';

/** The properties of every node, whatever its kind. */
export const NODE_OPTIONS = [
  'objective',
  'when',
  'after',
  'afterAny',
  'guardedBy',
  'fallbackOf',
] as const satisfies readonly (keyof NodeOptions<string, string, string>)[];

const GRAPH_FIELDS = [
  'name',
  'description',
  'width',
  'input',
  'document',
  'nodes',
  'output',
] as const satisfies readonly (keyof GraphSpec<UncheckedNodes, Schema<unknown>>)[];

/**
 * The faults of properties that would be ignored: those that a graph or a node does not have, and those of a second
 * kind. A node whose agent, tool or inner graph is none is `malformed`: the graph cannot be built.
 */
export function writtenFaults(graph: object, specs: NodeSpecs): readonly GraphFault[] {
  const unknown = unknownNames(graph, GRAPH_FIELDS).map(({ name, hint }) =>
    graphFault('unknown_property', [name], `A graph has no "${name}"; ${hint}.`),
  );
  const nodes = Object.entries(specs);
  return [...unknown, ...nodes.flatMap(nodeFaults), ...nodes.flatMap((node, index) => toolFaults(specs, node, index))];
}

/** What an llm has as tools: operations, which have a dot in their names, and nodes of its graph. */
function toolFaults(specs: NodeSpecs, [id, { llm }]: [string, NodeSpec], index: number): readonly GraphFault[] {
  const path = ['nodes', index, 'llm', 'tools'];
  const tools: unknown = isJsonObject(llm) ? llm.tools : undefined;
  if (tools === undefined) return [];
  if (!Array.isArray(tools) || !tools.every((name) => typeof name === 'string')) {
    return [graphFault('malformed', path, `Expected a list of names as the tools of "${id}", found ${nameOf(tools)}.`)];
  }
  const unknown = tools.filter((name) => !name.includes('.') && !Object.hasOwn(specs, name));
  return unknown.map((name) =>
    graphFault('tool_binding', path, `"${id}" has the tool "${name}", and no node is called so.`),
  );
}

function nodeFaults([id, spec]: [string, NodeSpec], index: number): readonly GraphFault[] {
  const given = NODE_KINDS.flatMap((kind) =>
    propertiesOf(kind).flatMap((property) => (spec[property] === undefined ? [] : [{ id, spec, kind, property }])),
  );
  const [written = { id, spec, kind: 'agent', property: 'agent' } as const, ...others] = given;
  if (others.length === 0) return [...madeFaults(written, index), ...unknownFields(written, index)];
  const found = given.map(({ property }) => `"${property}"`).join(' and ');
  return [graphFault('kind_ambiguous', ['nodes', index], `A node is of one kind, but "${id}" has ${found}.`)];
}

interface Written {
  readonly id: string;
  readonly spec: NodeSpec;
  readonly kind: NodeKind;
  readonly property: keyof NodeSpec;
}

function unknownFields({ id, spec, kind, property }: Written, index: number): readonly GraphFault[] {
  const { written } = rulesOf(kind);
  const known: readonly string[] = [property, ...written, ...NODE_OPTIONS];
  const within = written.includes('budget') ? Object.keys(BUDGET_LIMITS).map((name) => `budget.${name}`) : [];
  return unknownNames(spec, known, within).map(({ name, hint }) => {
    const message = `Node "${id}" of kind ${kind} has no "${name}"; ${hint}.`;
    return graphFault('unknown_property', ['nodes', index, name], message);
  });
}

const GRAPH = { mark: 'definition', what: 'a graph that defineGraph has made' };
/** May be named too. */
const NAMED_GRAPH = { mark: 'definition', what: 'a graph that defineGraph has made, or the name of one,' };

/** What a node takes as an object, mostly made by a function of Muster, and the property that tells it. */
const MADE: Partial<Record<keyof NodeSpec, { readonly mark: string; readonly what: string }>> = {
  llm: { mark: 'model', what: 'an object with a model and instructions' },
  agent: { mark: 'kind', what: 'an agent that defineAgent has made' },
  tool: { mark: 'kind', what: 'a tool that defineTool has made' },
  graph: GRAPH,
  each: GRAPH,
  repeat: GRAPH,
  child: NAMED_GRAPH,
};

function madeFaults({ id, spec, property }: Written, index: number): readonly GraphFault[] {
  const given: unknown = spec[property];
  const made = MADE[property];
  if (property === 'operation' && !(typeof given === 'string' && OPERATION_NAME_PATTERN.test(given))) {
    const message = `Node "${id}" needs the name of an operation like "tasks.list" as its "operation", found ${nameOf(given)}.`;
    return [graphFault('malformed', ['nodes', index, property], message)];
  }
  // A node without a kind is told that its handler is missing.
  if (made === undefined || given === undefined) return [];
  const { mark, what } = made;
  if ((isJsonObject(given) && mark in given) || (made === NAMED_GRAPH && typeof given === 'string')) return [];
  const message = `Node "${id}" needs ${what} as its "${property}", found ${nameOf(given)}.`;
  return [graphFault('malformed', ['nodes', index, property], message)];
}

/** Names that are not known, each with what was probably meant. */
function unknownNames(written: object, known: readonly string[], within: readonly string[] = []) {
  const given = Object.entries(written).filter(([name, value]) => value !== undefined && !known.includes(name));
  return given.map(([name]) => {
    const nearest = nearestName(name, [...known, ...within]);
    return { name, hint: nearest === null ? `it takes ${known.join(', ')}` : `the nearest name is "${nearest}"` };
  });
}
