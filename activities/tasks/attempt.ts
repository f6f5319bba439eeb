import { callHandler } from '../../capabilities/handler-context.ts';
import type { NodeScope } from '../../capabilities/scope.ts';
import type { Handler } from '../../domain/agents/handler.ts';
import { DEFAULT_RETRY, type RetryPolicy } from '../../domain/agents/retry-policy.ts';
import { parseWith, type ValueIssue } from '../../domain/agents/schema.ts';
import { acrossBorder, HandlerThrew, parseThrown } from '../../domain/agents/thrown.ts';
import { hasErrorCode, MusterError } from '../../domain/errors.ts';
import type { AgentNode, GraphNode, ToolNode } from '../../domain/graphs/definition.ts';
import { handlerNameOf, isContainer, performerOf } from '../../domain/graphs/kinds/kind-table.ts';
import type { Outcome } from '../../domain/graphs/kinds.ts';
import { evaluateCondition, type GraphDocument, readInput } from '../../domain/graphs/read-source.ts';
import { type Json, notJson, toJson } from '../../domain/json.ts';
import type { PlaceWaiter } from '../../domain/limits/agent-place.ts';
import { raceWithAbort } from '../../domain/race-with-abort.ts';
import { thrownText } from '../../domain/thrown-text.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { HandlerInputInvalid, HandlerOutputInvalid, HandlerTimedOut, HandlerUnknown } from '../handler-errors.ts';

/** How one attempt of a node ended. `limited`, `unhosted` and `cancelled` are no fault of the handler. */
export type AttemptEnd =
  | { readonly kind: 'ok'; readonly output: Json; readonly outcome: Outcome | null }
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly message: string;
      readonly retryable: boolean;
      /** The least wait before the next attempt that the handler asked for. */
      readonly retryAfterMs: number | null;
    }
  | {
      readonly kind: 'limited';
      readonly message: string;
      readonly retryAfterMs: number;
      /** How long the attempt has waited already. */
      readonly waitedMs: number;
    }
  | { readonly kind: 'unhosted'; readonly message: string }
  | { readonly kind: 'cancelled' };

/** What an attempt needs besides the node itself. */
export interface AttemptSetting {
  readonly deps: ActivityDependencies;
  readonly scope: Pick<NodeScope, 'execution' | 'attempt' | 'heartbeat' | 'note'>;
  /** How long the run has waited for limits; absent for a quick node in its stretch, which waits for nothing. */
  readonly limitWaitMs?: number;
  readonly document: GraphDocument;
  /** Aborts when the task is cancelled or the worker shuts down. */
  readonly cancellation: AbortSignal;
}

type HandlerNode = AgentNode | ToolNode;

/** The agent that runs a node; null for a tool or a condition. */
export function agentOf(node: GraphNode): string | null {
  return node.kind === 'agent' ? node.handler : null;
}

/** The handler of a node, where this worker hosts it; a condition has none. */
export function handlerOf(handlers: ActivityDependencies['handlers'], node: GraphNode): Handler | undefined {
  return handlers.get(`${node.kind}:${handlerNameOf(node)}`);
}

export function retryPolicyFor(handlers: ActivityDependencies['handlers'], node: GraphNode): RetryPolicy {
  return handlerOf(handlers, node)?.retry ?? DEFAULT_RETRY;
}

/** Runs one attempt of a node: reads its input, calls the handler within its time, checks what it returned. */
export async function runAttempt(node: GraphNode, setting: AttemptSetting): Promise<AttemptEnd> {
  try {
    if (node.kind === 'condition') {
      const outcome = evaluateCondition(node.condition, setting.document) ? 'true' : 'false';
      return { kind: 'ok', output: outcome === 'true', outcome };
    }
    if (isContainer(node)) throw new Error(`The container ${node.id} calls no handler.`);
    return await attemptHandler(node, setting);
  } catch (error) {
    if (error instanceof HandlerUnknown) return { kind: 'unhosted', message: error.message };
    if (setting.cancellation.aborted) return { kind: 'cancelled' };
    return error instanceof HandlerThrew ? thrownAttempt(error.thrown) : failedAttempt(error);
  }
}

/** Lets the handler work when its agent has a place. */
async function attemptHandler(node: HandlerNode, setting: AttemptSetting): Promise<AttemptEnd> {
  const agent = agentOf(node);
  const place = agent === null ? null : await setting.deps.takePlace(agent, placeWaiter(node, setting));
  if (place?.taken === false) {
    const { message, retryAfterMs, waitedMs } = place;
    return { kind: 'limited', message, retryAfterMs, waitedMs };
  }
  try {
    return { kind: 'ok', output: await outputOf(node, setting), outcome: null };
  } finally {
    place?.release();
  }
}

function placeWaiter({ id }: GraphNode, { scope, limitWaitMs, cancellation }: AttemptSetting): PlaceWaiter {
  const { execution } = scope;
  return {
    id: `${execution.traceId}/${id}`,
    band: execution.band ?? 'normal',
    waitedMs: limitWaitMs ?? 0,
    stay: limitWaitMs === undefined ? null : cancellation,
  };
}

async function outputOf(node: HandlerNode, setting: AttemptSetting): Promise<Json> {
  const handler = handlerOf(setting.deps.handlers, node);
  const name = performerOf(node);
  if (handler === undefined) throw new HandlerUnknown(node.id, `the ${node.kind} "${name}"`);

  const read = readInput(node.input, setting.document);
  if (!read.ok) throw new HandlerInputInvalid(node.id, name, `${read.pointer} has no value.`);
  return withinTime(node, setting, async (signal) => {
    const input = await parseWith(handler.input, read.value);
    if (!input.ok) throw new HandlerInputInvalid(node.id, name, faultsText(input.issues));
    const result = await acrossBorder(() => callHandler(scopeOf(node, setting, signal), handler, input.value));
    const output = await parseWith(handler.output, result);
    if (!output.ok) throw new HandlerOutputInvalid(node.id, name, faultsText(output.issues));
    // What survives JSON is what later nodes, the database and other processes will see: so it is what counts.
    const json = toJson(output.value ?? null);
    if (!json.ok) throw new HandlerOutputInvalid(node.id, name, notJson(json));
    return json.value;
  });
}

function scopeOf(node: GraphNode, { deps, scope }: AttemptSetting, signal: AbortSignal): NodeScope {
  const { execution, attempt } = scope;
  const { taskId, traceId } = execution;
  const invocation = {
    of: 'node',
    handler: performerOf(node),
    taskId,
    traceId,
    nodeId: node.id,
    attempt,
  } as const;
  return { ...scope, deps, nodeId: node.id, agent: agentOf(node), invocation, signal };
}

/** Calls within the node's time. The signal tells the handler; the race frees the node from one that does not listen. */
async function withinTime<Result>(
  { id, handler, budget: { timeoutMs } }: HandlerNode,
  { cancellation }: AttemptSetting,
  call: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(new HandlerTimedOut(id, handler, timeoutMs)), timeoutMs);
  const signal = AbortSignal.any([timeout.signal, cancellation]);
  try {
    return await raceWithAbort(signal, () => call(signal));
  } finally {
    clearTimeout(timer);
  }
}

function thrownAttempt(thrown: unknown): AttemptEnd {
  const { code, message, retryable, retryAfterMs, limitedForMs } = parseThrown(thrown);
  if (limitedForMs !== null) return { kind: 'limited', message, retryAfterMs: limitedForMs, waitedMs: 0 };
  return { kind: 'failed', code, message, retryable, retryAfterMs };
}

/** An error of ours: the input, the output, the time. */
function failedAttempt(error: unknown): AttemptEnd {
  return {
    kind: 'failed',
    code: hasErrorCode(error) ? error.code : 'handler_failed',
    message: thrownText(error),
    retryable: !(error instanceof MusterError) || error.retryable,
    retryAfterMs: null,
  };
}

function faultsText(issues: readonly ValueIssue[]): string {
  return `${issues.map((issue) => `${issue.path} ${issue.message}`.trim()).join('; ')}.`;
}
