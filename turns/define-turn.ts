import type { Graph } from '../domain/graphs/defined-graph.ts';
import { turnGraph } from './turn-graph.ts';
import { checkedTurn, type TurnOptions } from './turn-options.ts';

/**
 * Makes the graph of a conversation's turns: a router chooses who answers, providers of context are asked beside it, a
 * critic has the answer revised, and a canary tries something else on a part of the turns. It is a graph like any other,
 * of nodes that every graph can have. What fails on the way costs the turn its part only: a router its choice, a
 * provider its context, a critic its review, a canary its try. A route that fails fails the turn.
 *
 * @throws TurnDefinitionInvalid naming every fault, GraphInvalid
 */
export function defineTurn<const Route extends string>(options: TurnOptions<Route>): Graph {
  return turnGraph(checkedTurn(options));
}
