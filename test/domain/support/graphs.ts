import fc from 'fast-check';
import type { Dependency, GraphDefinition, GraphNode } from '../../../domain/graphs/definition.ts';
import { type GraphState, settleNode, startNodes } from '../../../domain/graphs/graph-state.ts';
import type { Outcome } from '../../../domain/graphs/kinds.ts';

/** A dependency in short: `a` required, `a?` optional, `a=true` a branch. */
export type ShortDependency = string;

/** An agent node, or a condition where the id begins with "if". */
export function nodeOf(id: string, dependencies: readonly ShortDependency[] = []): GraphNode {
  const shared = { id, objective: '', dependsOn: dependencies.map(dependencyOf) };
  if (id.startsWith('if')) return { ...shared, kind: 'condition', condition: { pointer: '/task', is: 'truthy' } };
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
  return node.endsWith('?') ? { node: node.slice(0, -1), required: false } : { node, required: true };
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
        type: dependency.when === undefined ? 'default' : 'condition',
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

/** Valid graphs of 1 to 14 nodes; about a third are conditions. The nodes stand in any order. */
export const anyGraph: fc.Arbitrary<GraphDefinition> = fc
  .record({
    seeds: fc.array(
      fc.record({ decides: fc.integer({ min: 0, max: 2 }), links: fc.array(fc.nat(), { maxLength: 4 }) }),
      {
        minLength: 1,
        maxLength: 14,
      },
    ),
    modes: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 60, maxLength: 60 }),
    width: fc.integer({ min: 1, max: 5 }),
    order: fc.array(fc.nat(), { minLength: 14, maxLength: 14 }),
  })
  .map(({ seeds, modes, width, order }) => {
    const ids = seeds.map((seed, index) => `${seed.decides === 0 ? 'if' : 'n'}-${index}`);
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
  return mode === 3 ? `${id}?` : id;
}
