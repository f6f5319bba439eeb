import type { Dependency, GraphDefinition, GraphEdge, GraphNode } from './definition.ts';
import type { GraphFaultCode } from './graph-faults.ts';
import type { NodeField } from './kinds/kind-rules.ts';
import { rulesOf } from './kinds/kind-table.ts';
import {
  CONNECTION_TYPES,
  GRAPH_SCHEMA_VERSION,
  MAX_GRAPH_DEPTH,
  NODE_KINDS,
  OUTCOMES,
  WIDTH_LIMITS,
} from './kinds.ts';
import { NAME_PATTERN, NODE_ID_PATTERN } from './names.ts';
import { readMapping } from './read-mapping.ts';
import {
  at,
  nameOf,
  note,
  type Place,
  readBoolean,
  readInteger,
  readJson,
  readList,
  readObject,
  readRecord,
  readText,
  readWord,
} from './read-unknown.ts';

const GRAPH_KEYS = [
  'version',
  'name',
  'description',
  'width',
  'inputSchema',
  'documentProperty',
  'output',
  'nodes',
  'edges',
] as const;
/** What every node has. */
const NODE_KEYS = ['id', 'kind', 'objective', 'dependsOn'] as const;
/** What the first release stored of every node, whatever its kind: null or without meaning where the kind has none. */
const ONCE_OF_ALL = ['handler', 'quick', 'input', 'condition', 'budget'] as const;

/**
 * Reads a graph out of unknown data, field by field: shapes, patterns and ranges. Notes every fault, and puts a
 * harmless value in a faulty field's place so that the rules between fields can still be checked. Null where there is
 * nothing to check.
 */
export function parseGraph(value: unknown, place: Place, depth = 1): GraphDefinition | null {
  if (depth > MAX_GRAPH_DEPTH) {
    note(place, 'graph_too_deep', `Expected graphs nested at most ${MAX_GRAPH_DEPTH} deep, found a deeper one.`);
    return null;
  }
  const graph = readObject(value, place, { required: GRAPH_KEYS });
  if (graph === null) return null;
  const field = (key: (typeof GRAPH_KEYS)[number]) => [graph[key], at(place, key)] as const;
  return {
    version: readVersion(...field('version')),
    name: readName(...field('name'), 'name_invalid'),
    description: readText(...field('description')),
    width: readInteger(...field('width'), { code: 'width_out_of_range', ...WIDTH_LIMITS }),
    inputSchema: readInputSchema(...field('inputSchema')),
    documentProperty: graph.documentProperty === null ? null : readText(...field('documentProperty')),
    output: readMapping(...field('output')),
    nodes: readList(...field('nodes'), (node, at) => readNode(node, at, depth)),
    edges: readList(...field('edges'), readEdge),
  };
}

function readVersion(value: unknown, place: Place): string {
  if (value !== GRAPH_SCHEMA_VERSION && value !== undefined) {
    note(place, 'version_unsupported', `Expected version "${GRAPH_SCHEMA_VERSION}", found ${nameOf(value)}.`);
  }
  return GRAPH_SCHEMA_VERSION;
}

function readName(value: unknown, place: Place, code: GraphFaultCode): string {
  const pattern = code === 'node_id_invalid' ? NODE_ID_PATTERN : NAME_PATTERN;
  if (typeof value === 'string' && pattern.test(value)) return value;
  if (value !== undefined) note(place, code, `Expected a name like ${pattern.source}, found ${nameOf(value)}.`);
  return typeof value === 'string' ? value : '';
}

function readInputSchema(value: unknown, place: Place): GraphDefinition['inputSchema'] {
  return value === null ? null : readRecord(value ?? {}, place, readJson);
}

function readNode(value: unknown, place: Place, depth: number): GraphNode | null {
  const kind = kindOf(value, place);
  const rules = rulesOf(kind);
  const required = [...NODE_KEYS, ...rules.fields];
  const node = readObject(value, place, { required, optional: ONCE_OF_ALL });
  if (node === null) return null;
  const field = (key: string) => [node[key], at(place, key)] as const;
  noteUnsuited(kind, field);
  const own = rules.parse(field, (inner, where) => parseGraph(inner, where, depth + 1));
  if (own === null) return null;
  const shared = {
    id: readName(...field('id'), 'node_id_invalid'),
    kind,
    objective: readText(...field('objective')),
    dependsOn: readList(...field('dependsOn'), readDependency),
  };
  // The kind's own rules have read its own fields; the compiler does not see that they belong together.
  return { ...shared, ...own } as GraphNode;
}

function kindOf(value: unknown, place: Place): GraphNode['kind'] {
  const kind: unknown = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;
  return readWord(kind, at(place, 'kind'), NODE_KINDS);
}

/** A handler or a predicate of a kind that has none is a mistake; what else is there of the first release has no meaning. */
function noteUnsuited(kind: GraphNode['kind'], field: NodeField): void {
  const { fields } = rulesOf(kind);
  for (const [name, code] of [
    ['handler', 'handler_unexpected'],
    ['condition', 'condition_unexpected'],
  ] as const) {
    const [value, place] = field(name);
    if (fields.includes(name) || value === undefined || value === null) continue;
    note(place, code, `A node of kind ${kind} has no ${name}; expected null or nothing.`);
  }
}

function readDependency(value: unknown, place: Place): Dependency | null {
  const dependency = readObject(value, place, { required: ['node', 'required'], optional: ['when'] });
  if (dependency === null) return null;
  const node = readText(dependency.node, at(place, 'node'));
  const required = readBoolean(dependency.required, at(place, 'required'));
  if (dependency.when === undefined) return { node, required };
  return { node, required, when: readWord(dependency.when, at(place, 'when'), OUTCOMES) };
}

function readEdge(value: unknown, place: Place): GraphEdge | null {
  const edge = readObject(value, place, { required: ['from', 'to', 'type'] });
  if (edge === null) return null;
  return {
    from: readText(edge.from, at(place, 'from')),
    to: readText(edge.to, at(place, 'to')),
    type: readWord(edge.type, at(place, 'type'), CONNECTION_TYPES),
  };
}
