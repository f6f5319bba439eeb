import type { Handler } from '../agents/handler.ts';
import type { GraphDefinition } from './definition.ts';

/** A graph as data, with the handlers that its nodes name. */
export interface Graph {
  readonly definition: GraphDefinition;
  /** Each agent and tool once, those of inner graphs included, in the order of its first node. */
  readonly handlers: readonly Handler[];
}
