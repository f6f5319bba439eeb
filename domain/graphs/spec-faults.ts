import type { Schema } from '../agents/handler.ts';
import { isJsonObject } from '../json.ts';
import { nearestName } from '../nearest-name.ts';
import { type GraphFault, graphFault } from './graph-faults.ts';
import type { GraphSpec, NodeOptions, NodeSpec, NodeSpecs, UncheckedNodes } from './graph-spec.ts';
import { rulesOf } from './kinds/kind-table.ts';
import { BUDGET_LIMITS, NODE_KINDS, type NodeKind } from './kinds.ts';
import { nameOf } from './read-unknown.ts';

const OPTIONS = ['objective', 'when', 'after', 'afterAny'] as const satisfies readonly (keyof NodeOptions<
  string,
  string
>)[];

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
  return [...unknown, ...Object.entries(specs).flatMap(nodeFaults)];
}

function nodeFaults([id, spec]: [string, NodeSpec], index: number): readonly GraphFault[] {
  const kinds = NODE_KINDS.filter((kind) => spec[rulesOf(kind).property] !== undefined);
  const [kind = 'agent', ...others] = kinds;
  if (others.length === 0)
    return [...madeFaults({ id, spec, kind }, index), ...unknownFields({ id, spec, kind }, index)];
  const found = kinds.map((name) => `"${rulesOf(name).property}"`).join(' and ');
  return [graphFault('kind_ambiguous', ['nodes', index], `A node is of one kind, but "${id}" has ${found}.`)];
}

interface Written {
  readonly id: string;
  readonly spec: NodeSpec;
  readonly kind: NodeKind;
}

function unknownFields({ id, spec, kind }: Written, index: number): readonly GraphFault[] {
  const { property, written } = rulesOf(kind);
  const known: readonly string[] = [property, ...written, ...OPTIONS];
  const within = written.includes('budget') ? Object.keys(BUDGET_LIMITS).map((name) => `budget.${name}`) : [];
  return unknownNames(spec, known, within).map(({ name, hint }) => {
    const message = `Node "${id}" of kind ${kind} has no "${name}"; ${hint}.`;
    return graphFault('unknown_property', ['nodes', index, name], message);
  });
}

/** What a node takes that only a function of Muster makes, and the property that tells it. */
const MADE = {
  agent: { mark: 'kind', what: 'an agent that defineAgent has made' },
  tool: { mark: 'kind', what: 'a tool that defineTool has made' },
  graph: { mark: 'definition', what: 'a graph that defineGraph has made' },
} as const;

function madeFaults({ id, spec, kind }: Written, index: number): readonly GraphFault[] {
  const { property } = rulesOf(kind);
  const given: unknown = spec[property];
  // A node without a kind is told that its handler is missing.
  if (kind === 'condition' || given === undefined) return [];
  const { mark, what } = kind === 'agent' || kind === 'tool' ? MADE[kind] : MADE.graph;
  if (isJsonObject(given) && mark in given) return [];
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
