import {
  COMPARISONS,
  type Comparison,
  type Condition,
  type Dependency,
  type GraphDefinition,
  type GraphEdge,
  type GraphNode,
  type InputMapping,
  type InputSource,
  type NodeBudget,
} from './definition.ts';
import type { GraphFaultCode } from './graph-faults.ts';
import { parsePointer } from './json-pointer.ts';
import { BUDGET_LIMITS, CONNECTION_TYPES, GRAPH_SCHEMA_VERSION, NODE_KINDS, OUTCOMES, WIDTH_LIMITS } from './kinds.ts';
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

/** Graph and handler names: a lower-case letter, then lower-case letters, digits and hyphens; 64 at most. */
export const NAME_PATTERN = /^[a-z][a-z0-9-]{0,63}$/;
/** Node ids may have capitals too: they are property names in the builder, where camelCase is at home. */
export const NODE_ID_PATTERN = /^[a-z][A-Za-z0-9-]{0,63}$/;
/** How deep `all`, `any` and `not` may be nested. */
export const MAX_CONDITION_DEPTH = 16;

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
const NODE_KEYS = ['id', 'kind', 'handler', 'objective', 'quick', 'input', 'condition', 'budget', 'dependsOn'] as const;

/**
 * Reads a graph out of unknown data, field by field: shapes, patterns and ranges. Notes every fault, and puts a
 * harmless value in a faulty field's place so that the rules between fields can still be checked. Null where there is
 * nothing to check.
 */
export function parseGraph(value: unknown, place: Place): GraphDefinition | null {
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
    nodes: readList(...field('nodes'), readNode),
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

function readNode(value: unknown, place: Place): GraphNode | null {
  const node = readObject(value, place, { required: NODE_KEYS });
  if (node === null) return null;
  const field = (key: (typeof NODE_KEYS)[number]) => [node[key], at(place, key)] as const;
  return {
    id: readName(...field('id'), 'node_id_invalid'),
    kind: readWord(...field('kind'), NODE_KINDS),
    handler: node.handler === null ? null : readName(...field('handler'), 'name_invalid'),
    objective: readText(...field('objective')),
    quick: readBoolean(...field('quick')),
    input: readMapping(...field('input')),
    condition: (node.condition ?? null) === null ? null : readCondition(...field('condition')),
    budget: readBudget(...field('budget')),
    dependsOn: readList(...field('dependsOn'), readDependency),
  };
}

function readBudget(value: unknown, place: Place): NodeBudget {
  const keys = ['timeoutMs', 'maxRetries', 'inputTokens', 'outputTokens'] as const;
  const budget = value === undefined ? {} : (readObject(value, place, { required: keys }) ?? {});
  const read = (key: (typeof keys)[number], code: GraphFaultCode) =>
    readInteger(budget[key], at(place, key), { code, ...BUDGET_LIMITS[key] });
  return {
    timeoutMs: read('timeoutMs', 'timeout_out_of_range'),
    maxRetries: read('maxRetries', 'retries_out_of_range'),
    inputTokens: read('inputTokens', 'tokens_out_of_range'),
    outputTokens: read('outputTokens', 'tokens_out_of_range'),
  };
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

const NOTHING: InputMapping = { fields: {} };

function readMapping(value: unknown, place: Place): InputMapping {
  if (value === undefined) return NOTHING;
  const mapping = readObject(value, place, { required: [], optional: ['fields', 'whole'] });
  if (mapping === null) return NOTHING;
  if (Object.hasOwn(mapping, 'fields') === Object.hasOwn(mapping, 'whole')) {
    note(place, 'malformed', 'Expected either "fields" or "whole", found both or neither.');
    return NOTHING;
  }
  if (Object.hasOwn(mapping, 'whole')) return { whole: readSource(mapping.whole, at(place, 'whole')) };
  return { fields: readRecord(mapping.fields, at(place, 'fields'), readSource) };
}

function readSource(value: unknown, place: Place): InputSource {
  const source = readObject(value, place, { required: [], optional: ['pointer', 'optional', 'value'] });
  if (source === null) return { value: null };
  if (Object.hasOwn(source, 'value') && Object.keys(source).length === 1) {
    return { value: readJson(source.value, at(place, 'value')) };
  }
  if (!Object.hasOwn(source, 'pointer') || Object.hasOwn(source, 'value')) {
    note(place, 'malformed', 'Expected either a "pointer", which may be "optional", or a "value".');
    return { value: null };
  }
  const pointer = readPointerText(source.pointer, at(place, 'pointer'));
  if (source.optional === undefined) return { pointer };
  return { pointer, optional: readBoolean(source.optional, at(place, 'optional')) };
}

function readPointerText(value: unknown, place: Place): string {
  const [root, id] = (typeof value === 'string' ? parsePointer(value) : null) ?? [];
  if (root === 'task' || (root === 'nodes' && id !== undefined)) return String(value);
  const expected = 'Expected a JSON Pointer that begins with /task or with /nodes/ and a node id';
  note(place, 'pointer_malformed', `${expected}, found ${nameOf(value)}.`);
  return '/task';
}

const NEVER: Condition = { any: [] };

function readCondition(value: unknown, place: Place, depth = 1): Condition {
  if (depth > MAX_CONDITION_DEPTH) {
    note(place, 'malformed', `Expected a condition at most ${MAX_CONDITION_DEPTH} deep, found a deeper one.`);
    return NEVER;
  }
  const keys = ['pointer', 'is', 'value', 'all', 'any', 'not'];
  const condition = readObject(value, place, { required: [], optional: keys });
  if (condition === null) return NEVER;
  const [kind, ...others] = ['pointer', 'all', 'any', 'not'].filter((key) => Object.hasOwn(condition, key));
  if (kind === undefined || others.length > 0 || (kind !== 'pointer' && Object.keys(condition).length > 1)) {
    note(place, 'malformed', 'Expected exactly one of "pointer" with "is", "all", "any" and "not".');
    return NEVER;
  }
  if (kind === 'pointer') return readComparison(condition, place);
  if (kind === 'not') return { not: readCondition(condition.not, at(place, 'not'), depth + 1) };
  const parts = readList(condition[kind], at(place, kind), (part, where) => readCondition(part, where, depth + 1));
  if (parts.length === 0) note(at(place, kind), 'malformed', 'Expected at least one condition, found none.');
  return kind === 'all' ? { all: parts } : { any: parts };
}

function readComparison(leaf: Readonly<Record<string, unknown>>, place: Place): Condition {
  const pointer = readPointerText(leaf.pointer, at(place, 'pointer'));
  if (leaf.is === undefined) note(at(place, 'is'), 'malformed', 'Expected a comparison, found nothing.');
  const is = readWord(leaf.is, at(place, 'is'), COMPARISONS);
  const expected = leaf.is === is ? misfit(is, leaf.value) : null;
  if (expected !== null) {
    note(at(place, 'value'), 'comparison_value', `Expected ${expected} for "${is}", found ${nameOf(leaf.value)}.`);
  }
  return leaf.value === undefined ? { pointer, is } : { pointer, is, value: readJson(leaf.value, at(place, 'value')) };
}

/** What a comparison wants as its value; null where it has that. */
function misfit(is: Comparison, value: unknown): string | null {
  if (is === 'truthy') return value === undefined ? null : 'no value';
  if (is === 'exists') return value === undefined || typeof value === 'boolean' ? null : 'true, false or no value';
  if (is === 'equals' || is === 'notEquals' || is === 'contains') return value === undefined ? 'a value' : null;
  return typeof value === 'number' || typeof value === 'string' ? null : 'a number or a text';
}
