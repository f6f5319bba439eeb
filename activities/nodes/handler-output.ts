import { callHandler } from '../../capabilities/handler-context.ts';
import type { NodeScope } from '../../capabilities/scope.ts';
import { parseWith, type ValueIssue } from '../../domain/agents/schema.ts';
import { acrossBorder } from '../../domain/agents/thrown.ts';
import { readInput } from '../../domain/graphs/read-source.ts';
import { type Json, notJson, toJson } from '../../domain/json.ts';
import { raceWithAbort } from '../../domain/waits.ts';
import { HandlerInputInvalid, HandlerOutputInvalid, HandlerTimedOut } from '../handler-errors.ts';
import { type AttemptSetting, type HandlerNode, handlerOf } from './attempt-setting.ts';

/**
 * Reads a node's input, waits for its turn, calls the handler within its time, and checks what it returned.
 * @param agent the agent that runs the node; null for a tool
 * @throws HandlerThrew, HandlerUnknown, HandlerInputInvalid, HandlerOutputInvalid, HandlerTimedOut
 */
export async function handlerOutput(node: HandlerNode, setting: AttemptSetting, agent: string | null): Promise<Json> {
  const handler = handlerOf(setting.deps, node);
  const { name } = handler;
  const read = readInput(node.input, setting.document);
  if (!read.ok) throw new HandlerInputInvalid(node.id, name, `${read.pointer} has no value.`);
  await setting.breath?.turn();
  const { timeoutMs } = node.budget;
  return withinTime({ nodeId: node.id, handler: name, timeoutMs, ...setting }, async (signal) => {
    const input = await parseWith(handler.input, read.value);
    if (!input.ok) throw new HandlerInputInvalid(node.id, name, faultsText(input.issues));
    const scope = scopeOf(setting, { nodeId: node.id, agent, handler: name, signal });
    const result = await acrossBorder(() => callHandler(scope, handler, input.value));
    const output = await parseWith(handler.output, result);
    if (!output.ok) throw new HandlerOutputInvalid(node.id, name, faultsText(output.issues));
    // What survives JSON is what later nodes, the database and other processes will see: so it is what counts.
    const json = toJson(output.value ?? null);
    if (!json.ok) throw new HandlerOutputInvalid(node.id, name, notJson(json));
    return json.value;
  });
}

function scopeOf(
  { deps, scope }: AttemptSetting,
  { handler, ...call }: Pick<NodeScope, 'nodeId' | 'agent' | 'signal'> & { readonly handler: string },
): NodeScope {
  const { execution, attempt } = scope;
  const { taskId, traceId } = execution;
  const invocation = { of: 'node', handler, taskId, traceId, nodeId: call.nodeId, attempt } as const;
  return { ...scope, ...call, deps, invocation };
}

/** A call of a handler's code. */
export interface TimedCall {
  readonly nodeId: string;
  readonly handler: string;
  readonly timeoutMs: number;
  readonly cancellation: AbortSignal;
}

/** Calls within its time. The signal tells the handler; the race frees the node from one that does not listen. */
export async function withinTime<Result>(
  { nodeId, handler, timeoutMs, cancellation }: TimedCall,
  call: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  cancellation.throwIfAborted();
  // One signal for both reasons: what combines signals of others costs as much as the rest of a quick call.
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(new HandlerTimedOut(nodeId, handler, timeoutMs)), timeoutMs);
  const cancel = () => over.abort(cancellation.reason);
  cancellation.addEventListener('abort', cancel, { once: true });
  try {
    return await raceWithAbort(over.signal, () => call(over.signal));
  } finally {
    clearTimeout(timer);
    cancellation.removeEventListener('abort', cancel);
  }
}

export function faultsText(issues: readonly ValueIssue[]): string {
  return `${issues.map((issue) => `${issue.path} ${issue.message}`.trim()).join('; ')}.`;
}
