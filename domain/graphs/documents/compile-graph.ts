import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { buildDefinition, type WrittenHead } from '../define-graph.ts';
import type { Graph } from '../defined-graph.ts';
import type { GraphDefinition } from '../definition.ts';
import type { GraphFault, GraphFaultCode } from '../graph-faults.ts';
import { parsePointer } from '../json-pointer.ts';
import { MAX_GRAPH_DEPTH } from '../kinds.ts';
import { at, nameOf, note, type Place, readJson, readObject, readRecord } from '../read-unknown.ts';
import { writtenFaults } from '../spec-faults.ts';
import { validateGraph } from '../validate-graph.ts';
import type { WrittenGraph } from './parse-document.ts';
import { pathInDocument } from './path-in-document.ts';
import { type KnownHandlers, readComponent } from './read-component.ts';
import { connect } from './read-connections.ts';

/** The definition of a written graph, or its first faults, each with its place in the document, and how many follow. */
export type CompiledGraph =
  | { readonly ok: true; readonly definition: GraphDefinition }
  | { readonly ok: false; readonly faults: readonly GraphFault[]; readonly more: number };

/** How many faults of a document are told. */
export const MAX_FAULTS = 100;

/**
 * Makes a definition of a graph as a document says it: the same as `defineGraph` makes of the same properties, by the same
 * rules. Components are its nodes.
 * @param faultsOf further rules, which a definition has to keep that keeps those of graphs
 */
export function compileGraph(
  { value, place }: WrittenGraph,
  handlers: KnownHandlers,
  faultsOf: (definition: GraphDefinition) => readonly GraphFault[],
): CompiledGraph {
  const faults: GraphFault[] = [];
  const made = readGraph(value, { path: [], faults }, { handlers, depth: 1 });
  const checked = made === null ? null : validateGraph(made);
  const more = checked === null ? [] : checked.ok ? faultsOf(checked.definition) : checked.faults;
  const all = [...faults, ...more.map((fault) => ({ ...fault, path: pathInDocument(fault.path, value) }))];
  if (checked?.ok && all.length === 0) return { ok: true, definition: checked.definition };
  const around = new Set(all.flatMap(({ path }) => pathsAround(path)));
  const exact = all.filter(({ code, path }) => !FOLLOWS.includes(code) || !around.has(path));
  const told = exact.slice(0, MAX_FAULTS).map((fault) => place(fault, parsePointer(fault.path) ?? []));
  return { ok: false, faults: told, more: exact.length - told.length };
}

/** Faults of what is derived from pointers; of these the reader that has the pointer is told. */
const FOLLOWS: readonly GraphFaultCode[] = ['dependency_unknown', 'edge_unknown_node'];

/** The paths of all that a path is within. */
function pathsAround(path: string): readonly string[] {
  return [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index));
}

interface Reading {
  readonly handlers: KnownHandlers;
  /** How deep within other graphs, from 1. */
  readonly depth: number;
}

const GRAPH_KEYS = {
  required: ['name', 'components', 'output'],
  optional: ['description', 'width', 'input', 'document', 'connections'],
};

/** Null where something has not the shape that it needs. What is made is not validated yet. */
function readGraph(value: unknown, place: Place, { handlers, depth }: Reading): GraphDefinition | null {
  if (depth > MAX_GRAPH_DEPTH) {
    note(place, 'graph_too_deep', `Expected graphs nested at most ${MAX_GRAPH_DEPTH} deep, found a deeper one.`);
    return null;
  }
  const before = place.faults.length;
  const graph = readObject(value, place, GRAPH_KEYS);
  if (graph === null) return null;
  const inner = (nested: unknown, where: Place): Graph | null => {
    const definition = readGraph(nested, where, { handlers, depth: depth + 1 });
    return definition === null ? null : { definition, handlers: [] };
  };
  const components = readRecord(graph.components ?? {}, at(place, 'components'), (component, where) =>
    readComponent(component, where, { handlers, inner }),
  );
  const specs = connect(components, graph.connections, at(place, 'connections'));
  const input = graph.input === undefined ? null : readRecord(graph.input, at(place, 'input'), readJson);
  if (typeof graph.output !== 'string' && !isJsonObject(graph.output)) {
    note(at(place, 'output'), 'malformed', `Expected a pointer or sources by name, found ${nameOf(graph.output)}.`);
  }
  for (const fault of writtenFaults({}, specs)) {
    const tokens = parsePointer(pathInDocument(fault.path, graph as JsonObject)) ?? [];
    note({ ...place, path: [...place.path, ...tokens] }, fault.code, fault.message);
  }
  if (place.faults.slice(before).some(({ code }) => code === 'malformed')) return null;
  // The other fields of the head are read by the validation, whatever they are.
  return buildDefinition(graph as unknown as WrittenHead, specs, input as Readonly<Record<string, Json>> | null);
}
