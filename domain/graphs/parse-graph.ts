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
const NODE_KEYS = ['id', 'kind', 'objective', 'dependsOn'] as const;
/** The fields that the first release stored for every node, null or meaningless if its kind has none. */
const ONCE_OF_ALL = ['handler', 'quick', 'input', 'condition', 'budget'] as const;

/** Stands for a graph that cannot be read. It breaks no rule between fields. */
const NOTHING: GraphDefinition = {
  version: GRAPH_SCHEMA_VERSION,
  name: '',
  description: '',
  width: WIDTH_LIMITS.default,
  inputSchema: null,
  documentProperty: null,
  output: { fields: {} },
  nodes: [],
  edges: [],
};

/**
 * Reads a graph from unknown data, field by field: shapes, patterns and ranges. Notes every fault and replaces a faulty
 * field by a harmless value, so that the rules between fields can still be checked.
 */
export function parseGraph(value: unknown, place: Place, depth = 1): GraphDefinition {
  if (depth > MAX_GRAPH_DEPTH) {
    note(place, 'graph_too_deep', `Expected graphs nested at most ${MAX_GRAPH_DEPTH} deep, found a deeper one.`);
    return NOTHING;
  }
  const graph = readObject(value, place, { required: GRAPH_KEYS });
  if (graph === null) return NOTHING;
  const field = (key: (typeof GRAPH_KEYS)[number]) => [graph[key], at(place, key)] as const;
  return {
    version: readVersion(...field('version')),
    name: readName(...field('name'), 'name_invalid'),
    description: readText(...field('description')),
    width: readInteger(...field('width'), { code: 'width_out_of_range', ...WIDTH_LIMITS }),
    inputSchema: readInputSchema(...field('inputSchema')),
    documentProperty: graph.documentProperty === null ? null : readText(...field('documentProperty')),
    output: readMapping(...field('output')),
    nodes: readNodes(...field('nodes'), depth),
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

function readNodes(value: unknown, place: Place, depth: number): readonly GraphNode[] {
  if (Array.isArray(value) && value.length === 0) note(place, 'no_nodes', 'Expected at least one node, found none.');
  return readList(value, place, (node, at) => readNode(node, at, depth));
}

function readNode(value: unknown, place: Place, depth: number): GraphNode | null {
  const kind = kindOf(value, place);
  const rules = rulesOf(kind);
  const required = [...NODE_KEYS, ...rules.fields];
  const node = readObject(value, place, { required, optional: [...ONCE_OF_ALL, ...(rules.optional ?? [])] });
  if (node === null) return null;
  const field = (key: string) => [node[key], at(place, key)] as const;
  noteUnsuited(kind, field);
  const own = rules.parse(field, (inner, where) => parseGraph(inner, where, depth + 1));
  const shared = {
    id: readName(...field('id'), 'node_id_invalid'),
    kind,
    objective: readText(...field('objective')),
    dependsOn: readList(...field('dependsOn'), readDependency),
  };
  // The kind's rules have read its fields; the compiler does not see that they belong together.
  return { ...shared, ...own } as GraphNode;
}

function kindOf(value: unknown, place: Place): GraphNode['kind'] {
  const kind: unknown = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;
  return readWord(kind, at(place, 'kind'), NODE_KINDS);
}

/** A handler or a condition on a kind that has none is a mistake; other fields of the first release have no meaning. */
function noteUnsuited(kind: GraphNode['kind'], field: NodeField): void {
  const { fields, optional = [] } = rulesOf(kind);
  for (const [name, code] of [
    ['handler', 'handler_unexpected'],
    ['condition', 'condition_unexpected'],
  ] as const) {
    const [value, place] = field(name);
    if (fields.includes(name) || optional.includes(name) || value === undefined || value === null) continue;
    note(place, code, `A node of kind ${kind} has no ${name}; expected null or nothing.`);
  }
}

function readDependency(value: unknown, place: Place): Dependency | null {
  const dependency = readObject(value, place, { required: ['node', 'required'], optional: ['when', 'type'] });
  if (dependency === null) return null;
  const node = readText(dependency.node, at(place, 'node'));
  const required = readBoolean(dependency.required, at(place, 'required'));
  return {
    ...{ node, required },
    ...(dependency.when === undefined ? {} : { when: readWord(dependency.when, at(place, 'when'), OUTCOMES) }),
    ...(dependency.type === undefined ? {} : { type: readWord(dependency.type, at(place, 'type'), OWN_TYPES) }),
  };
}

/** The connections that a dependency names by themselves. */
const OWN_TYPES = ['fallback', 'guard', 'tool'] as const;

function readEdge(value: unknown, place: Place): GraphEdge | null {
  const edge = readObject(value, place, { required: ['from', 'to', 'type'] });
  if (edge === null) return null;
  return {
    from: readText(edge.from, at(place, 'from')),
    to: readText(edge.to, at(place, 'to')),
    type: readWord(edge.type, at(place, 'type'), CONNECTION_TYPES),
  };
}
