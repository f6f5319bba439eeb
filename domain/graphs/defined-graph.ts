import type { Handler } from '../agents/handler.ts';
import type { GraphDefinition } from './definition.ts';

/** A graph as data, with the handlers that its nodes name. */
export interface Graph {
  readonly definition: GraphDefinition;
  /** Each agent and tool once, those of inner graphs included, in the order of its first node. */
  readonly handlers: readonly Handler[];
  /** Those that its nodes run as tasks of their own, where there are any. */
  readonly children?: readonly Graph[];
}

/** These graphs, each behind those that its nodes run as tasks of their own, and each once. */
export function withChildren(graphs: readonly Graph[]): readonly Graph[] {
  return [...new Set(graphs.flatMap((graph) => [...withChildren(graph.children ?? []), graph]))];
}
