import fc from 'fast-check';
import {
  connectionTypeOf,
  type Dependency,
  type GraphDefinition,
  type GraphNode,
} from '../../../domain/graphs/definition.ts';
import { type GraphState, settleNode, startNodes } from '../../../domain/graphs/graph-state.ts';
import type { Outcome } from '../../../domain/graphs/kinds.ts';

/** A dependency in short: `a` required, `a?` optional, `a=true` a branch, `a!` a fallback, `rail+` a guard. */
export type ShortDependency = string;

/** An agent node; a condition where the id begins with "if", a guardrail where it begins with "rail". */
export function nodeOf(id: string, dependencies: readonly ShortDependency[] = []): GraphNode {
  const shared = { id, objective: '', dependsOn: dependencies.map(dependencyOf) };
  if (id.startsWith('if')) return { ...shared, kind: 'condition', condition: { pointer: '/task', is: 'truthy' } };
  if (id.startsWith('rail')) {
    const input = { fields: { text: { value: 'harmless' } } };
    return { ...shared, kind: 'guardrail', guardrail: { bannedPhrases: ['secret'] }, input };
  }
  return {
    ...shared,
    kind: 'agent',
    handler: 'worker',
    quick: false,
    input: { fields: {} },
    budget: { timeoutMs: 30_000, maxRetries: 1, inputTokens: 2_000, outputTokens: 2_000 },
  };
}

function dependencyOf(short: ShortDependency): Dependency {
  const [node = '', when] = short.split('=');
  if (when !== undefined) return { node, required: true, when: when as Outcome };
  const id = node.slice(0, -1);
  if (node.endsWith('!')) return { node: id, required: false, type: 'fallback' };
  if (node.endsWith('+')) return { node: id, required: true, type: 'guard' };
  return node.endsWith('?') ? { node: id, required: false } : { node, required: true };
}

/** A graph with the edges that its nodes ask for. */
export function graphOf(nodes: readonly GraphNode[], width = 4): GraphDefinition {
  return {
    version: 'v1',
    name: 'example',
    description: '',
    width,
    inputSchema: null,
    documentProperty: null,
    output: { whole: { pointer: '/task' } },
    nodes,
    edges: nodes.flatMap((node) =>
      node.dependsOn.map((dependency) => ({
        from: dependency.node,
        to: node.id,
        type: connectionTypeOf(dependency),
      })),
    ),
  };
}

/** Nodes by id with their short dependencies. */
export function shortGraph(nodes: Readonly<Record<string, readonly ShortDependency[]>>, width = 4): GraphDefinition {
  return graphOf(
    Object.entries(nodes).map(([id, dependencies]) => nodeOf(id, dependencies)),
    width,
  );
}

/** Starts one node and ends it. */
export function runNode(
  graph: GraphDefinition,
  state: GraphState,
  id: string,
  end: 'ok' | 'fatal_error' | 'retryable_error' | Outcome = 'ok',
): GraphState {
  const settlement =
    end === 'true' || end === 'false'
      ? { status: 'ok' as const, attempts: 1, outcome: end }
      : { status: end, attempts: 1 };
  return settleNode(graph, startNodes(state, [id]), id, settlement).state;
}

export function statuses(state: GraphState): Record<string, string> {
  return Object.fromEntries(Object.entries(state.nodes).map(([id, node]) => [id, node.status]));
}

/** Valid graphs of 1 to 14 nodes; about a fourth are conditions, and one in eight a guardrail. The nodes stand in any order. */
export const anyGraph: fc.Arbitrary<GraphDefinition> = fc
  .record({
    seeds: fc.array(
      fc.record({
        kind: fc.constantFrom('if', 'if', 'rail', 'n', 'n', 'n', 'n', 'n'),
        links: fc.array(fc.nat(), { maxLength: 4 }),
      }),
      {
        minLength: 1,
        maxLength: 14,
      },
    ),
    modes: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 60, maxLength: 60 }),
    width: fc.integer({ min: 1, max: 5 }),
    order: fc.array(fc.nat(), { minLength: 14, maxLength: 14 }),
  })
  .map(({ seeds, modes, width, order }) => {
    const ids = seeds.map(({ kind }, index) => `${kind}-${index}`);
    const nodes = seeds.map((seed, index) => {
      const sources = index === 0 ? [] : [...new Set(seed.links.map((link) => ids[link % index] ?? ''))];
      return nodeOf(
        ids[index] ?? '',
        sources.map((id, link) => shorten(id, modes[(index * 4 + link) % 60] ?? 0)),
      );
    });
    const ranked = nodes.map((node, index) => ({ node, rank: order[index] ?? 0 }));
    return graphOf(
      ranked.toSorted((one, other) => one.rank - other.rank).map(({ node }) => node),
      width,
    );
  });

function shorten(id: string, mode: number): ShortDependency {
  if (id.startsWith('if') && mode < 2) return `${id}=${mode === 0 ? 'true' : 'false'}`;
  if (id.startsWith('rail') && mode < 3) return `${id}+`;
  if (mode === 4) return `${id}!`;
  return mode === 3 ? `${id}?` : id;
}
