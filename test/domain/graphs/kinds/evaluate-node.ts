import { z } from 'zod';
import { defineGraph } from '../../../../domain/graphs/define-graph.ts';
import type { GraphNode } from '../../../../domain/graphs/definition.ts';
import { GraphInvalid } from '../../../../domain/graphs/graph-faults.ts';
import type { Evaluated } from '../../../../domain/graphs/kinds/kind-rules.ts';
import { rulesOf } from '../../../../domain/graphs/kinds/kind-table.ts';
import type { Json } from '../../../../domain/json.ts';

/** What a node of a pure kind comes to, as it is written, for a task's input. */
export function evaluateNode(written: object, task: Json): Evaluated | undefined {
  const node = nodeOf(written);
  return rulesOf(node.kind).evaluate?.(node, { task, nodes: {} });
}

function nodeOf(written: object): GraphNode {
  const spec = { name: 'pure', input: z.unknown(), nodes: { node: written }, output: '/nodes/node' };
  const [node] = defineGraph(spec as never).definition.nodes;
  if (node === undefined) throw new Error('The graph has a node.');
  return node;
}

/** The faults of a node as it is written: code, place, and what is wrong. */
export function faultsOf(written: object): readonly string[] {
  try {
    nodeOf(written);
    return [];
  } catch (error) {
    if (!(error instanceof GraphInvalid)) throw error;
    return error.faults.map(({ code, path, message }) => `${code} ${path} ${message}`);
  }
}

/** What was evaluated in short: the output, or the code with its sentence. */
export function shortOf(evaluated: Evaluated | undefined): Json {
  if (evaluated === undefined) return 'not evaluated';
  return evaluated.ok ? evaluated.output : `${evaluated.code}: ${evaluated.message}`;
}
