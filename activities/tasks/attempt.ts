import type { Handler, HandlerContext, SchemaIssue } from '../../domain/agents/handler.ts';
import { parseWith } from '../../domain/agents/schema.ts';
import { errorMessage, hasErrorCode, MusterError } from '../../domain/errors.ts';
import type { GraphNode } from '../../domain/graphs/definition.ts';
import type { Outcome } from '../../domain/graphs/kinds.ts';
import { evaluateCondition, type GraphDocument, readInput } from '../../domain/graphs/read-source.ts';
import { isJsonObject, isStorableJson, type Json } from '../../domain/json.ts';
import { HandlerInputInvalid, HandlerOutputInvalid, HandlerTimedOut, HandlerUnknown } from '../errors.ts';

/** How one attempt of a node ended. `limited`, `unhosted` and `cancelled` are no fault of the handler. */
export type AttemptEnd =
  | { readonly kind: 'ok'; readonly output: Json; readonly outcome: Outcome | null }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly retryable: boolean }
  | { readonly kind: 'limited'; readonly message: string; readonly retryAfterMs: number }
  | { readonly kind: 'unhosted'; readonly message: string }
  | { readonly kind: 'cancelled' };

/** What an attempt needs besides the node itself. */
export interface AttemptSetting {
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly document: GraphDocument;
  /** Aborts when the task is cancelled or the worker shuts down. */
  readonly cancellation: AbortSignal;
  readonly contextFor: (signal: AbortSignal) => HandlerContext;
}

/** Of an error's message, so that a quoted document fits neither into rows nor into Temporal. */
const MAX_MESSAGE_CHARACTERS = 2_000;

/** The agent that runs a node; null for a tool or a condition. */
export function agentOf({ kind, handler }: GraphNode): string | null {
  return kind === 'agent' ? handler : null;
}

/** Runs one attempt of a node: reads its input, calls the handler within its time, checks what it returned. */
export async function runAttempt(node: GraphNode, setting: AttemptSetting): Promise<AttemptEnd> {
  try {
    if (node.condition !== null) {
      const outcome = evaluateCondition(node.condition, setting.document) ? 'true' : 'false';
      return { kind: 'ok', output: outcome === 'true', outcome };
    }
    return { kind: 'ok', output: await callHandler(node, setting), outcome: null };
  } catch (error) {
    if (error instanceof HandlerUnknown) return { kind: 'unhosted', message: error.message };
    if (setting.cancellation.aborted) return { kind: 'cancelled' };
    if (hasErrorCode(error) && error.code === 'rate_limited') return limitedAttempt(error);
    return failedAttempt(error);
  }
}

async function callHandler(node: GraphNode, setting: AttemptSetting): Promise<Json> {
  const handler = setting.handlers.get(`${node.kind}:${node.handler}`);
  const name = node.handler ?? node.id;
  if (handler === undefined) throw new HandlerUnknown(node.id, `the ${node.kind} "${name}"`);

  const read = readInput(node.input, setting.document);
  if (!read.ok) throw new HandlerInputInvalid(node.id, name, `${read.pointer} has no value.`);
  const input = await parseWith(handler.input, read.value);
  if (!input.ok) throw new HandlerInputInvalid(node.id, name, faultsText(input.issues));

  const result = await withinTime(node, name, setting, (context) => handler.handle(input.value, context));
  const output = await parseWith(handler.output, result);
  if (!output.ok) throw new HandlerOutputInvalid(node.id, name, faultsText(output.issues));
  const text = JSON.stringify(output.value ?? null);
  if (!isStorableJson(text))
    throw new HandlerOutputInvalid(node.id, name, 'a text in it holds a NUL or half a character.');
  // What survives JSON is what later nodes, the database and other processes will see: so it is what counts.
  return JSON.parse(text);
}

/** Calls within the node's time. The signal tells the handler; the race frees the node from one that does not listen. */
async function withinTime(
  node: GraphNode,
  name: string,
  setting: AttemptSetting,
  call: (context: HandlerContext) => unknown,
): Promise<unknown> {
  const timeout = new AbortController();
  const timer = setTimeout(
    () => timeout.abort(new HandlerTimedOut(node.id, name, node.budget.timeoutMs)),
    node.budget.timeoutMs,
  );
  const signal = AbortSignal.any([timeout.signal, setting.cancellation]);
  try {
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    return await Promise.race([call(setting.contextFor(signal)), aborted]);
  } finally {
    clearTimeout(timer);
  }
}

/** The wait is the limiter's own, or a second where whoever raised the error does not say it. */
function limitedAttempt(error: { message: string; facts?: unknown }): AttemptEnd {
  const { retryAfterMs } = isJsonObject(error.facts) ? error.facts : {};
  return { kind: 'limited', message: error.message, retryAfterMs: Number(retryAfterMs ?? 1_000) };
}

function failedAttempt(error: unknown): AttemptEnd {
  return {
    kind: 'failed',
    code: hasErrorCode(error) ? error.code : 'handler_failed',
    message: storableText(errorMessage(error).slice(0, MAX_MESSAGE_CHARACTERS)),
    retryable: !(error instanceof MusterError) || error.retryable,
  };
}

/** Without the characters that PostgreSQL keeps in no text: an error has to be written whatever it quotes. */
function storableText(text: string): string {
  return text.replaceAll('\u0000', '\ufffd').toWellFormed();
}

function faultsText(issues: readonly { path: string; message: string }[] | readonly SchemaIssue[]): string {
  return `${issues.map((issue) => `${issue.path ?? ''} ${issue.message}`.trim()).join('; ')}.`;
}
