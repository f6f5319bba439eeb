import type { GraphFaultCode } from '../../../domain/graphs/graph-faults.ts';

/** Unknown data on purpose: what a fixture changes need not fit any type. */
export type Data = Record<string, unknown>;

/** Four nodes: read; judge, a condition on it; cut, its branch; join, which takes cut where there is one. */
export function validData(): Data {
  const judged = { kind: 'condition', handler: null, quick: true, input: { fields: {} } };
  return {
    version: 'v1',
    name: 'example',
    description: '',
    width: 4,
    inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
    documentProperty: 'text',
    output: { whole: { pointer: '/nodes/join' } },
    nodes: [
      node('read', []),
      { ...node('judge', [required('read')]), ...judged, condition: { pointer: '/nodes/read/n', is: 'gt', value: 10 } },
      { ...node('cut', [{ ...required('judge'), when: 'true' }]), input: { whole: { pointer: '/nodes/read' } } },
      node('join', [required('read'), { node: 'cut', required: false }]),
    ],
    edges: [edge('read', 'judge'), edge('judge', 'cut', 'condition'), edge('read', 'join'), edge('cut', 'join')],
  };
}

function node(id: string, dependsOn: readonly Data[]): Data {
  return {
    id,
    kind: 'agent',
    handler: 'worker',
    objective: 'Works.',
    quick: false,
    input: { fields: { text: { pointer: '/task/text' } } },
    condition: null,
    budget: { timeoutMs: 30_000, maxRetries: 1, inputTokens: 2_000, outputTokens: 2_000 },
    dependsOn,
  };
}

function required(id: string): Data {
  return { node: id, required: true };
}

function edge(from: string, to: string, type = 'default'): Data {
  return { from, to, type };
}

function source(pointer: string): Data {
  return { whole: { pointer } };
}

/** Walks to a place, and gives what holds it and its last key. */
function find(data: unknown, place: string): [Data, string] {
  const keys = place.split('/').slice(1);
  const last = keys.pop() ?? '';
  return [keys.reduce<Data>((inner, key) => inner[key] as Data, data as Data), last];
}

type Change = (data: Data) => void;

export function set(place: string, value: unknown): Change {
  return (data) => {
    const [holder, key] = find(data, place);
    holder[key] = value;
  };
}

/** Adds an item to a list. */
export function add(place: string, value: unknown): Change {
  return (data) => {
    const [holder, key] = find(data, place);
    holder[key] = [...(holder[key] as unknown[]), value];
  };
}

function drop(place: string): Change {
  return (data) => {
    const [holder, key] = find(data, place);
    delete holder[key];
  };
}

export function changed(...changes: readonly Change[]): Data {
  const data = validData();
  for (const change of changes) change(data);
  return data;
}

/** Makes "read" wait for "join", by dependency and edge: a circle. */
export const CIRCLE: Change = (data) => {
  add('/nodes/0/dependsOn', required('join'))(data);
  add('/edges', edge('join', 'read'))(data);
};

const SELF: Change = (data) => {
  add('/nodes/0/dependsOn', required('read'))(data);
  add('/edges', edge('read', 'read'))(data);
};

const MANY: Change = (data) => {
  set(
    '/nodes',
    Array.from({ length: 201 }, (_, index) => node(`n${index}`, [])),
  )(data);
  set('/edges', [])(data);
};

/** 150 nodes, each of the second hundred waiting for fifty of the first: few nodes, many arrows. */
const DENSE: Change = (data) => {
  const first = Array.from({ length: 50 }, (_, index) => `first${index}`);
  const second = Array.from({ length: 100 }, (_, index) => `second${index}`);
  const required = first.map((id) => ({ node: id, required: true }));
  const nodes = [...first.map((id) => node(id, [])), ...second.map((id) => node(id, required))];
  set('/nodes', nodes)(data);
  set(
    '/edges',
    second.flatMap((to) => first.map((from) => ({ from, to, type: 'default' }))),
  )(data);
  set('/output', source('/nodes/second0'))(data);
};

const BUDGET = '/nodes/0/budget';
const INPUT = '/nodes/0/input';

/** One rule broken in an otherwise valid graph: the fault's code, its path, and the change. */
export const BROKEN: readonly [rule: string, code: GraphFaultCode, path: string, change: Change][] = [
  ['of an unknown version', 'version_unsupported', '/version', set('/version', 'v2')],
  ['with two nodes of one id', 'node_id_duplicate', '/nodes/4/id', add('/nodes', node('read', []))],
  ['with a node id that is no name', 'node_id_invalid', '/nodes/4/id', add('/nodes', node('a/b', []))],
  ['with a latency of 0', 'timeout_out_of_range', `${BUDGET}/timeoutMs`, set(`${BUDGET}/timeoutMs`, 0)],
  ['with a latency of 300001', 'timeout_out_of_range', `${BUDGET}/timeoutMs`, set(`${BUDGET}/timeoutMs`, 300_001)],
  ['with 4 retries', 'retries_out_of_range', `${BUDGET}/maxRetries`, set(`${BUDGET}/maxRetries`, 4)],
  ['with -1 retries', 'retries_out_of_range', `${BUDGET}/maxRetries`, set(`${BUDGET}/maxRetries`, -1)],
  ['with 0 input tokens', 'tokens_out_of_range', `${BUDGET}/inputTokens`, set(`${BUDGET}/inputTokens`, 0)],
  ['with 0 output tokens', 'tokens_out_of_range', `${BUDGET}/outputTokens`, set(`${BUDGET}/outputTokens`, 0)],
  ['with half a token', 'tokens_out_of_range', `${BUDGET}/outputTokens`, set(`${BUDGET}/outputTokens`, 0.5)],
  ['whose node waits for itself', 'dependency_self', '/nodes/0/dependsOn/0', SELF],
  [
    'whose node waits for an unknown one',
    'dependency_unknown',
    '/nodes/0/dependsOn/0',
    add('/nodes/0/dependsOn', required('nobody')),
  ],
  ['whose nodes wait in a circle', 'dependency_cycle', '/nodes', CIRCLE],
  [
    'whose node names a dependency twice',
    'dependency_duplicate',
    '/nodes/3/dependsOn/2',
    add('/nodes/3/dependsOn', required('read')),
  ],
  [
    'with an edge that no dependency matches',
    'edge_without_dependency',
    '/edges/4',
    add('/edges', edge('judge', 'join')),
  ],
  ['with a dependency that no edge matches', 'dependency_without_edge', '/nodes/1/dependsOn/0', set('/edges', [])],
  ['with an edge to an unknown node', 'edge_unknown_node', '/edges/4', add('/edges', edge('read', 'nobody'))],
  ['with an edge from an unknown node', 'edge_unknown_node', '/edges/4', add('/edges', edge('nobody', 'read'))],
  ['with the same edge twice', 'edge_duplicate', '/edges/4', add('/edges', edge('read', 'judge'))],
  ['with an edge of the wrong type', 'edge_type', '/edges/1/type', set('/edges/1/type', 'default')],
  [
    'with a branch of a node that decides nothing',
    'when_not_condition',
    '/nodes/3/dependsOn/0/when',
    set('/nodes/3/dependsOn/0/when', 'true'),
  ],
  [
    'with an optional branch',
    'when_not_required',
    '/nodes/2/dependsOn/0/required',
    set('/nodes/2/dependsOn/0/required', false),
  ],
  ['with an agent without a handler', 'handler_missing', '/nodes/0/handler', set('/nodes/0/handler', null)],
  ['with a condition that has a handler', 'handler_unexpected', '/nodes/1/handler', set('/nodes/1/handler', 'worker')],
  ['with a condition without a predicate', 'condition_missing', '/nodes/1/condition', set('/nodes/1/condition', null)],
  [
    'with an agent that has a predicate',
    'condition_unexpected',
    '/nodes/0/condition',
    set('/nodes/0/condition', { pointer: '/task', is: 'exists' }),
  ],
  ['without nodes', 'no_nodes', '/nodes', set('/nodes', [])],
  ['with 201 nodes', 'too_many_nodes', '/nodes', MANY],
  ['with too many dependencies for its plan', 'plan_too_long', '/nodes', DENSE],
  ['of width 0', 'width_out_of_range', '/width', set('/width', 0)],
  ['of width 17', 'width_out_of_range', '/width', set('/width', 17)],
  ['without a proper name', 'name_invalid', '/name', set('/name', 'Example')],
  ['whose handler has no proper name', 'name_invalid', '/nodes/0/handler', set('/nodes/0/handler', '')],
  ['whose node reads an unknown one', 'reads_unknown_node', INPUT, set(INPUT, source('/nodes/nobody'))],
  ['whose node reads one that it does not wait for', 'reads_later_node', INPUT, set(INPUT, source('/nodes/join'))],
  ['whose node reads itself', 'reads_later_node', INPUT, set(INPUT, source('/nodes/read'))],
  [
    'whose condition reads one that it does not wait for',
    'reads_later_node',
    '/nodes/1/condition',
    set('/nodes/1/condition/pointer', '/nodes/cut'),
  ],
  ['whose output reads an unknown node', 'output_unknown_node', '/output', set('/output', source('/nodes/nobody/x'))],
  ['with text for a pointer that is none', 'pointer_malformed', `${INPUT}/whole/pointer`, set(INPUT, source('task'))],
  ['with a pointer to everything', 'pointer_malformed', `${INPUT}/whole/pointer`, set(INPUT, source(''))],
  ['with a pointer with a bad escape', 'pointer_malformed', `${INPUT}/whole/pointer`, set(INPUT, source('/task/~2'))],
  [
    'with a comparison of sizes without a size',
    'comparison_value',
    '/nodes/1/condition/value',
    set('/nodes/1/condition/value', null),
  ],
  [
    'with a document that the input does not take',
    'document_unknown',
    '/documentProperty',
    set('/documentProperty', 'x'),
  ],
  ['with a property that nobody knows', 'unknown_property', '/nodes/0/depends_on', set('/nodes/0/depends_on', [])],
  ['with a property missing', 'malformed', '/edges', drop('/edges')],
  ['with a kind of node that cannot run', 'malformed', '/nodes/0/kind', set('/nodes/0/kind', 'oracle')],
  [
    'with a value that JSON would change',
    'malformed',
    `${INPUT}/whole/value`,
    set(INPUT, { whole: { value: new Date(0) } }),
  ],
  [
    'with a pattern that is valid for no flag u',
    'input_schema_unusable',
    '/inputSchema/properties/text/pattern',
    set('/inputSchema/properties/text/pattern', '^[\\w-.]+$'),
  ],
  [
    'with such a pattern for the names of properties',
    'input_schema_unusable',
    '/inputSchema/properties/text/anyOf/1/patternProperties/[',
    set('/inputSchema/properties/text/anyOf', [true, { patternProperties: { '[': {} } }]),
  ],
  [
    'with a schema that lies elsewhere',
    'input_schema_unusable',
    '/inputSchema/properties/text/$ref',
    set('/inputSchema/properties/text/$ref', 'https://example.com/text'),
  ],
  [
    'with a schema of what is no object',
    'input_schema_unusable',
    '/inputSchema/type',
    set('/inputSchema/type', 'string'),
  ],
  [
    'with a schema that is checked later',
    'input_schema_unusable',
    '/inputSchema/$async',
    set('/inputSchema/$async', true),
  ],
  [
    'with an input schema that is too long',
    'input_schema_unusable',
    '/inputSchema',
    set('/inputSchema/description', 'x'.repeat(262_144)),
  ],
  ['with a NUL in a text', 'malformed', '/description', set('/description', 'a\u0000b')],
  [
    'with half a character in a constant',
    'malformed',
    '/nodes/1/condition/value',
    set('/nodes/1/condition', { pointer: '/nodes/read/n', is: 'equals', value: '\ud83d' }),
  ],
];
