import type { Json } from '../../json.ts';
import { buildMapping, buildSource } from '../build-mapping.ts';
import type { EachNode } from '../definition.ts';
import { MAX_ITEMS, WIDTH_LIMITS } from '../kinds.ts';
import { readMapping, readSource } from '../read-mapping.ts';
import { type GraphDocument, readInput } from '../read-source.ts';
import { nameOf, readInteger } from '../read-unknown.ts';
import { innerGraphOf, inputInvalid, inputWith } from './inner-graph.ts';
import type { ContainerFault, KindRules } from './kind-rules.ts';

/** An each runs its inner graph for every element of a list; its output is the list of their outputs, in order. */
export const each: KindRules<EachNode> = {
  property: 'each',
  written: ['items', 'width', 'input'],
  objective: 'Runs a graph for every item of a list.',
  brings: ({ each: graph }) => ({ graph }),
  build: ({ each: graph, items = { value: null }, width = WIDTH_LIMITS.default, input }) => ({
    graph: innerGraphOf(graph),
    input: buildMapping(input),
    items: buildSource(items),
    width,
  }),
  fields: ['graph', 'input', 'items', 'width'],
  parse: (field, readGraph) => {
    const graph = readGraph(...field('graph'));
    const width = readInteger(...field('width'), { code: 'width_out_of_range', ...WIDTH_LIMITS });
    return { graph, input: readMapping(...field('input')), items: readSource(...field('items')), width };
  },
  drive: () => 'container',
  readers: ({ input, items }) => ({ input, items: { whole: items } }),
  plan: { input: { fields: {} }, items: { value: null } },
  decides: false,
  container: {
    numbered: true,
    gives: ['item', 'index'],
    parallel: ({ width }) => width,
    open: (node, document) => {
      const items = readItems(node, document);
      return items.ok ? { ok: true, size: items.value.length } : items;
    },
    input: (node, document, { index }) => {
      const items = readItems(node, document);
      return items.ok ? inputWith(node, document, { item: items.value[index] ?? null, index }) : items;
    },
    previous: false,
    outputs: (size) => Array.from({ length: size }, (_, index) => index),
    turn: (_, outputs) => ({ ok: true, output: [...outputs] }),
  },
};

function readItems(
  { items }: EachNode,
  document: GraphDocument,
): { readonly ok: true; readonly value: readonly Json[] } | ContainerFault {
  const read = readInput({ whole: items }, document);
  if (!read.ok) return inputInvalid(`${read.pointer} has no value.`);
  const { value } = read;
  if (!Array.isArray(value)) return inputInvalid(`Its items must be a list, found ${nameOf(value)}.`);
  if (value.length <= MAX_ITEMS) return { ok: true, value };
  return inputInvalid(`It takes at most ${MAX_ITEMS} items, found ${value.length}.`);
}
