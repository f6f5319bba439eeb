import type { Condition, ContainerNode, GraphDefinition, GraphNode, InputMapping, NodeBudget } from '../definition.ts';
import type { NodeSpec } from '../graph-spec.ts';
import { CONTAINER_KINDS, DEFAULT_BUDGET, type NodeKind } from '../kinds.ts';
import { OPERATION_NAME_PATTERN } from '../names.ts';
import { approval } from './approval.ts';
import { callsHandler } from './call-handler.ts';
import { child } from './child.ts';
import { condition } from './condition.ts';
import { each } from './each.ts';
import { entityCollector } from './entity-collector.ts';
import { functionKind } from './function.ts';
import { guardrail } from './guardrail.ts';
import type { ContainerRules, KindRules } from './kind-rules.ts';
import { llm } from './llm.ts';
import { outputParser } from './output-parser.ts';
import { prompt } from './prompt.ts';
import { repeat } from './repeat.ts';
import { subGraph } from './sub-graph.ts';
import { wait } from './wait.ts';

/**
 * The kinds of node. Nothing else in the program asks a node for its kind. Each kind's methods take nodes of that kind
 * only; they are looked up by a node's own kind, so no other ever reaches them.
 */
const KINDS: Readonly<Record<NodeKind, KindRules>> = {
  agent: callsHandler('agent'),
  tool: callsHandler('tool'),
  condition,
  prompt,
  function: functionKind,
  'output-parser': outputParser,
  guardrail,
  llm,
  'sub-graph': subGraph,
  each,
  repeat,
  approval,
  wait,
  'entity-collector': entityCollector,
  child,
};

export function rulesOf(kind: NodeKind): KindRules {
  return KINDS[kind];
}

/** The properties by any of which `defineGraph` knows a node of the kind. */
export function propertiesOf(kind: NodeKind): readonly (keyof NodeSpec)[] {
  const { property, alias } = KINDS[kind];
  return alias === undefined ? [property] : [property, alias];
}

/** Whether a node only waits, for a person, a time or a task of its own: its run holds no place. */
export function waits({ kind }: GraphNode): boolean {
  return KINDS[kind].waitsAs !== undefined;
}

/** Whether a node runs inner graphs. */
export function isContainer(node: GraphNode): node is ContainerNode {
  return KINDS[node.kind].container !== undefined;
}

/** The same of a stored kind, which may be a later release's. */
export function isContainerKind(kind: string): boolean {
  return (CONTAINER_KINDS as readonly string[]).includes(kind);
}

export function containerOf(node: ContainerNode): ContainerRules {
  const { container } = KINDS[node.kind];
  if (container === undefined) throw new Error(`The kind ${node.kind} runs no inner graph.`);
  return container;
}

/** What of a node reads the document of its graph. */
export function readersOf(node: GraphNode): readonly (InputMapping | Condition)[] {
  return Object.values(KINDS[node.kind].readers(node));
}

/** The agent or tool that a node calls; null for one that calls none. */
export function handlerNameOf(node: GraphNode): string | null {
  return node.kind === 'agent' || node.kind === 'tool' ? node.handler : null;
}

/** The operations that a node is, or that its llm may call. */
export function operationsOf(node: GraphNode): readonly string[] {
  if (node.kind === 'llm') return node.llm.operations;
  const name = handlerNameOf(node);
  return name !== null && OPERATION_NAME_PATTERN.test(name) ? [name] : [];
}

/** The model that a node thinks with; null for one that does not, and for an agent, whose worker knows. */
export function modelNameOf(node: GraphNode): string | null {
  return node.kind === 'llm' || node.kind === 'guardrail' ? (node.handler ?? null) : null;
}

/** What a worker must have to carry a node out, as `kind:name`: the code of its agent or tool, or the model of what thinks. */
export function needOf(node: GraphNode): string | null {
  const name = handlerNameOf(node) ?? modelNameOf(node);
  return name === null ? null : `${node.kind}:${name}`;
}

/** What a node's run is listed under: its agent or tool, or its own id. */
export function performerOf(node: GraphNode): string {
  return handlerNameOf(node) ?? node.id;
}

/** How people are told who carries a node out. */
export function labelOf(node: GraphNode): string {
  return handlerNameOf(node) ?? node.kind;
}

/** What one attempt of a node may cost. */
export function budgetOf(node: GraphNode): NodeBudget {
  return 'budget' in node ? node.budget : DEFAULT_BUDGET;
}

/** All nodes of a graph, those of its inner graphs after their containers. */
export function allNodes({ nodes }: GraphDefinition): readonly GraphNode[] {
  return nodes.flatMap((node) => (isContainer(node) ? [node, ...allNodes(node.graph)] : [node]));
}
