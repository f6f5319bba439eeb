import type { NodeScope } from '../../capabilities/scope.ts';
import type { Handler } from '../../domain/agents/handler.ts';
import { needText } from '../../domain/agents/hosting.ts';
import { DEFAULT_RETRY } from '../../domain/agents/retry-policy.ts';
import type { AgentNode, GraphNode, ToolNode } from '../../domain/graphs/definition.ts';
import { budgetOf, modelNameOf, needOf } from '../../domain/graphs/kinds/kind-table.ts';
import type { GraphDocument } from '../../domain/graphs/read-source.ts';
import type { AttemptRules } from '../../domain/traces/attempt.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { HandlerUnknown } from '../handler-errors.ts';
import type { Breath } from '../tasks/breath.ts';

/** What an attempt needs besides the node itself. */
export interface AttemptSetting {
  readonly deps: ActivityDependencies;
  readonly scope: Pick<NodeScope, 'execution' | 'attempt' | 'heartbeat' | 'note'>;
  /** How long the run has waited for limits; absent for a quick node in its stretch, which waits for nothing. */
  readonly limitWaitMs?: number;
  readonly document: GraphDocument;
  /** The turn to call the handler; absent for a node that is an activity of its own. */
  readonly breath?: Breath;
  /** Aborts when the task is cancelled or the worker shuts down. */
  readonly cancellation: AbortSignal;
}

/** A node that calls the code of an agent or a tool. */
export type HandlerNode = AgentNode | ToolNode;

type Hosted = Pick<ActivityDependencies, 'handlers' | 'models'>;

/** @throws HandlerUnknown where this worker does not host the handler of the node */
export function handlerOf({ handlers }: Pick<Hosted, 'handlers'>, node: HandlerNode): Handler {
  const handler = handlers.get(`${node.kind}:${node.handler}`);
  if (handler === undefined) throw new HandlerUnknown(node.id, `the ${node.kind} "${node.handler}"`);
  return handler;
}

/** Why this worker cannot run a node; null where it can. */
export function missingHandler(deps: Hosted, node: GraphNode): HandlerUnknown | null {
  const need = needOf(node);
  if (need === null || deps.handlers.has(need)) return null;
  const model = modelNameOf(node);
  if (model !== null && deps.models?.names().includes(model)) return null;
  return new HandlerUnknown(node.id, needText(need));
}

/** By what a node's attempts are judged. */
export function rulesOf({ handlers }: Pick<Hosted, 'handlers'>, node: GraphNode, hasDeadline: boolean): AttemptRules {
  const retry = handlers.get(needOf(node) ?? '')?.retry ?? DEFAULT_RETRY;
  return { nodeId: node.id, maxRetries: budgetOf(node).maxRetries, retry, hasDeadline };
}
