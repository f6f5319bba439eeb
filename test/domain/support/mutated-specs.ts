import { GraphInvalid } from '../../../domain/graphs/graph-faults.ts';
import {
  comparison,
  FIELDS,
  graphOf,
  type NodeOf,
  type Random,
  randomNode,
  randomPointer,
  type SourceSpec,
  type SpecOf,
} from './random-specs.ts';

type Change = (spec: SpecOf, random: Random) => SpecOf;

/** What somebody may change in a version. */
export const CHANGES: Readonly<Record<string, Change>> = {
  'remove a node': (spec, random) => {
    const gone = random.of(Object.keys(spec.nodes));
    const nodes = Object.entries(spec.nodes).filter(([id]) => id !== gone);
    return withoutReads({ ...spec, nodes: Object.fromEntries(nodes) }, gone);
  },
  'rename a node': (spec, random) => {
    const old = random.of(Object.keys(spec.nodes));
    return JSON.parse(JSON.stringify(spec).replaceAll(new RegExp(`(?<=["/])${old}(?=["/])`, 'g'), `${old}r`));
  },
  'change a pointer': (spec, random) =>
    changed(spec, random, (node, before) => ({
      ...node,
      ...(node.input && { input: redirected(node.input, random, before) }),
    })),
  'misspell a field': (spec, random) =>
    changed(spec, random, (node) => {
      const [name] = Object.keys(node.input ?? {});
      const source = name === undefined ? undefined : node.input?.[name];
      const pointer = typeof source === 'string' ? source : source?.pointer;
      if (name === undefined || pointer === undefined || pointer.split('/').length < 4) return node;
      return { ...node, input: { ...node.input, [name]: pointer.replace(/[^/]+$/, 'zz') } };
    }),
  'require what was optional': (spec, random) =>
    changed(spec, random, (node) => ({
      ...node,
      ...(node.input && {
        input: mapped(node.input, (source) => (typeof source === 'string' ? source : source.pointer)),
      }),
    })),
  'change a kind': (spec, random) =>
    changed(spec, random, (node) =>
      node.kind === 'agent' ? { ...node, kind: 'tool' } : node.kind === 'tool' ? { ...node, kind: 'agent' } : node,
    ),
  'make a node a condition': (spec, random) =>
    changed(spec, random, (node, before) =>
      node.inner
        ? node
        : {
            kind: 'condition',
            compares: comparison(random, randomPointer(random, before)),
            ...(node.when && { when: node.when }),
          },
    ),
  'change a performer': (spec, random) =>
    changed(spec, random, (node) =>
      node.performer ? { ...node, performer: random.of(['p1', 'p2', 'p3', 'p4']) } : node,
    ),
  'change a schema': (spec, random) => ({
    ...spec,
    requires: { ...spec.requires, [random.of(FIELDS)]: random.of(['number', 'text', 'list'] as const) },
  }),
  'change an inner schema': (spec, random) =>
    changedInner(spec, random, (inner, node) => {
      // A whole output, or a list, is read otherwise elsewhere: what is still to come cannot be both.
      const fields = Object.entries(node.input ?? {}).filter(([, source]) => {
        return /^\/(?:task|nodes\/\w+)\/(?:a|b|n|flag)$/.test(typeof source === 'string' ? source : source.pointer);
      });
      const [name] = fields.length === 0 ? ['item'] : random.of(fields);
      return { ...inner, requires: { ...inner.requires, [name]: random.of(['number', 'text', 'list'] as const) } };
    }),
  'add a node': (spec, random) => {
    const added = randomNode(random, spec.nodes, `${spec.name}-added`, 1);
    const output = added.kind === 'condition' ? spec.output : { ...spec.output, added: '/nodes/added' };
    return { ...spec, nodes: { ...spec.nodes, added }, output };
  },
  'add a node within': (spec, random) =>
    changedInner(spec, random, (inner) => ({
      ...inner,
      nodes: { ...inner.nodes, added: randomNode(random, inner.nodes, `${inner.name}-added`, 0) },
    })),
  'change a width': (spec, random) => ({
    ...changed(spec, random, (node) => (node.width ? { ...node, width: 1 + random.below(4) } : node)),
    width: 1 + random.below(6),
  }),
  'swap a branch': (spec, random) =>
    changed(spec, random, (node) =>
      node.when ? { ...node, when: mapped(node.when, (outcome) => (outcome === 'true' ? 'false' : 'true')) } : node,
    ),
  'change what is compared': (spec, random) =>
    changed(spec, random, (node, before) => {
      if (!node.compares) return node;
      const pointer = node.kind === 'repeat' ? `/output/o0/${random.of(FIELDS)}` : randomPointer(random, before);
      return { ...node, compares: comparison(random, pointer) };
    }),
  'change the most rounds': (spec, random) =>
    changed(spec, random, (node) => (node.most ? { ...node, most: 1 + random.below(3) } : node)),
  'change the items': (spec, random) =>
    changed(spec, random, (node, before) => (node.items ? { ...node, items: randomPointer(random, before) } : node)),
  'require an output': (spec) => ({
    ...spec,
    output: mapped(spec.output, (source) => (typeof source === 'string' ? source : source.pointer)),
  }),
};

/** A version of a graph that differs from it in one to three things, and keeps the rules of graphs. */
export function mutated(spec: SpecOf, random: Random): { readonly spec: SpecOf; readonly changes: readonly string[] } {
  for (;;) {
    const names = Array.from({ length: 1 + random.below(3) }, () => random.of(Object.keys(CHANGES)));
    const made = names.reduce((before, name) => CHANGES[name]?.(before, random) ?? before, spec);
    try {
      graphOf(made);
      if (JSON.stringify(made) !== JSON.stringify(spec)) return { spec: made, changes: names };
    } catch (error) {
      if (!(error instanceof GraphInvalid)) throw error;
    }
  }
}

function changed(spec: SpecOf, random: Random, change: (node: NodeOf, before: SpecOf['nodes']) => NodeOf): SpecOf {
  const ids = Object.keys(spec.nodes);
  // Some changes need a node of a certain kind: the first from here on that differs is the one.
  const from = random.below(ids.length);
  for (let step = 0; step < ids.length; step += 1) {
    const at = (from + step) % ids.length;
    const id = ids[at] ?? '';
    const node = spec.nodes[id] as NodeOf;
    const before = Object.fromEntries(Object.entries(spec.nodes).slice(0, at));
    const inner = node.inner && random.chance(0.3) ? { ...node, inner: changed(node.inner, random, change) } : null;
    const after = inner ?? change(node, before);
    if (JSON.stringify(after) !== JSON.stringify(node)) return { ...spec, nodes: { ...spec.nodes, [id]: after } };
  }
  return spec;
}

function changedInner(spec: SpecOf, random: Random, change: (inner: SpecOf, node: NodeOf) => SpecOf): SpecOf {
  const containers = Object.entries(spec.nodes).filter(([, { inner }]) => inner !== undefined);
  if (containers.length === 0) return spec;
  const [id, node] = random.of(containers);
  return { ...spec, nodes: { ...spec.nodes, [id]: { ...node, inner: change(node.inner as SpecOf, node) } } };
}

function redirected(
  input: NonNullable<NodeOf['input']>,
  random: Random,
  before: SpecOf['nodes'],
): NonNullable<NodeOf['input']> {
  const names = Object.keys(input);
  return names.length === 0 ? input : { ...input, [random.of(names)]: randomPointer(random, before) };
}

function mapped<From, To>(record: Readonly<Record<string, From>>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

/** A version without a node has nothing that reads it. */
function withoutReads(spec: SpecOf, gone: string): SpecOf {
  const reads = (pointer: string) => pointer === `/nodes/${gone}` || pointer.startsWith(`/nodes/${gone}/`);
  const kept = (sources: Readonly<Record<string, SourceSpec>>) =>
    Object.fromEntries(
      Object.entries(sources).filter(([, source]) => !reads(typeof source === 'string' ? source : source.pointer)),
    );
  const nodes = mapped(spec.nodes, (node): NodeOf => {
    const { when, ...rest } = node;
    const branches = Object.entries(when ?? {}).filter(([id]) => id !== gone);
    const left = {
      ...rest,
      ...(rest.input && { input: kept(rest.input) }),
      ...(branches.length > 0 && { when: Object.fromEntries(branches) }),
    };
    const items = typeof left.items === 'string' && reads(left.items) ? { items: '/task/list' } : {};
    const compares =
      left.compares && reads(left.compares.pointer) ? { compares: { ...left.compares, pointer: '/task/a' } } : {};
    return { ...left, ...items, ...compares };
  });
  return { ...spec, nodes, output: kept(spec.output) };
}
