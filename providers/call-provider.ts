import { AsyncLocalStorage } from 'node:async_hooks';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { type LanguageModelMiddleware, streamText, type TextStreamPart, type ToolSet, wrapLanguageModel } from 'ai';
import type { FinishReason, ModelRequest } from '../domain/models/model-messages.ts';
import type { ModelRoute, ProviderSettings } from '../domain/models/model-settings.ts';
import { PATIENCE_MS } from '../domain/models/provider-breaker.ts';
import { escaped, MOST_CALLS, type ReceivedCall, readCalls, TextTelling } from '../domain/models/read-call.ts';
import { ToolNames } from '../domain/models/tool-names.ts';
import type { ReportedUsage } from '../domain/models/usage.ts';
import { type GuardedFetch, guardedFetch, MOST_BYTES, type Refusal } from './guarded-fetch.ts';
import {
  type Answered,
  faultOf,
  type ProviderOutcome,
  refused,
  type Unanswered,
  unanswered,
} from './provider-outcome.ts';
import { requestForm, SDK_PROVIDER } from './request-form.ts';

/** Characters of an answer, its tool calls included. */
const MOST_CHARACTERS = 5_000_000;

/** One call of one provider. */
export interface ProviderCall {
  readonly provider: ProviderSettings;
  readonly route: ModelRoute;
  /** Null for a provider that needs none. */
  readonly key: string | null;
  readonly request: ModelRequest;
  /** The caller's: when it aborts, the call throws its reason. */
  readonly signal: AbortSignal;
  /** How long the whole may take, and how long nothing may come, in milliseconds. */
  readonly callMs: number;
  readonly idleMs: number;
  readonly onText?: ((delta: string) => void) | undefined;
  readonly onTool?: ((tool: string) => void) | undefined;
}

/** Calls a provider once, and reads its answer as a stream. @throws the reason of the signal, and what those told throw */
export async function callProvider(call: ProviderCall): Promise<ProviderOutcome> {
  const guard = guardedFetch(call.idleMs);
  const tooLong = AbortSignal.timeout(call.callMs);
  const reader = new AnswerReader(call);
  try {
    const signal = AbortSignal.any([call.signal, tooLong]);
    await guards.run(guard, () => reader.read(open(call, { signal, reader })));
  } catch (error) {
    reader.fault ??= error;
  }
  call.signal.throwIfAborted();
  if (reader.unheard !== null) throw reader.unheard.reason;
  const outcome = outcomeOf(call, { guard, reader, isTooLong: tooLong.aborted });
  return 'usage' in outcome ? outcome : { ...outcome, paid: guard.mayWork() ? 'unknown' : 'no' };
}

function outcomeOf(
  call: ProviderCall,
  { guard, reader, isTooLong }: { guard: GuardedFetch; reader: AnswerReader; isTooLong: boolean },
): Answered | Unanswered {
  if (guard.cut() === 'too_large' || reader.isTooLarge) return tooLarge();
  if (guard.cut() === 'stalled') return late(call, guard.refusal(), `nothing came for ${call.idleMs} ms`);
  if (isTooLong) return late(call, guard.refusal(), `the answer was not complete after ${call.callMs} ms`);
  return reader.fault === null ? reader.outcome() : faultOf(reader.fault, call.key);
}

/** A caller that waits less than others do learns nothing of the provider by it. A status that came is known all the same. */
function late({ idleMs, callMs }: ProviderCall, refusal: Refusal | null, why: string): Unanswered {
  if (refusal !== null) return refused(refusal, why);
  return unanswered(why, Math.min(idleMs, callMs) < PATIENCE_MS ? 'none' : 'ill');
}

/** The guard of the call that the SDK is at work for: one of its models serves many calls. */
const guards = new AsyncLocalStorage<GuardedFetch>();
type ChatModel = ReturnType<ReturnType<typeof createOpenAICompatible>['chatModel']>;
/** Making one costs several milliseconds, more than a call. None holds a key. */
const chatModels = new WeakMap<ProviderSettings, Map<string, ChatModel>>();

function chatModelOf(provider: ProviderSettings, id: string): ChatModel {
  const made = chatModels.get(provider) ?? new Map<string, ChatModel>();
  chatModels.set(provider, made);
  const known = made.get(id);
  if (known !== undefined) return known;
  const { baseUrl: baseURL, headers } = provider;
  const sdk = createOpenAICompatible({ name: SDK_PROVIDER, baseURL, headers, fetch: fetchOfCall, includeUsage: true });
  const model = sdk.chatModel(id);
  made.set(id, model);
  return model;
}

const fetchOfCall: typeof fetch = async (input, init) => {
  const guard = guards.getStore();
  if (guard === undefined) throw new Error('a model was called without its guard');
  return guard.fetch(input, init);
};

function open(
  { provider, route, key, request }: ProviderCall,
  { signal: abortSignal, reader }: { readonly signal: AbortSignal; readonly reader: AnswerReader },
): AsyncIterable<TextStreamPart<ToolSet>> {
  return streamText({
    ...requestForm(request, route, reader.names),
    model: withoutCalls(chatModelOf(provider, route.id), reader),
    ...(key === null ? {} : { headers: { Authorization: `Bearer ${key}` } }),
    allowSystemInMessages: true,
    // The workflow repeats what failed: a second layer of repetitions would multiply them.
    maxRetries: 0,
    telemetry: { isEnabled: false },
    // Else the SDK prints each error with the request in it.
    onError: () => undefined,
    abortSignal,
  }).stream;
}

/**
 * The model whose tool calls go to the reader and not to the SDK. That hands each of their pieces through a dozen streams,
 * and fails on arguments that nest deeper than its stack.
 */
function withoutCalls(model: ChatModel, reader: AnswerReader) {
  const wrapStream: NonNullable<LanguageModelMiddleware['wrapStream']> = async ({ doStream }) => {
    const { stream, ...rest } = await doStream();
    const calls = new TransformStream<StreamPart, StreamPart>({
      transform(part, controller) {
        if (!reader.takesCall(part)) controller.enqueue(part);
        if (reader.isTooLarge) controller.terminate();
      },
    });
    return { ...rest, stream: stream.pipeThrough(calls) };
  };
  return wrapLanguageModel({ model, middleware: { wrapStream } });
}

type Streamed = Awaited<ReturnType<ChatModel['doStream']>>;
type StreamPart = Streamed['stream'] extends ReadableStream<infer Part> ? Part : never;

/** Collects the parts of a stream. */
class AnswerReader {
  fault: unknown = null;
  isTooLarge = false;
  /** What one of those told threw: the caller's own, and no fault of the provider. */
  unheard: { readonly reason: unknown } | null = null;
  readonly names: ToolNames;
  readonly #call: ProviderCall;
  readonly #calls: ReceivedCall[] = [];
  readonly #told = new TextTelling();
  #text = '';
  #characters = 0;
  #finish: FinishReason | null = null;
  #usage: ReportedUsage = {};

  constructor(call: ProviderCall) {
    this.#call = call;
    this.names = new ToolNames(call.request.tools);
  }

  /** Reads until the end, the first fault, or until there is too much. */
  async read(parts: AsyncIterable<TextStreamPart<ToolSet>>): Promise<void> {
    for await (const part of parts) {
      this.#take(part);
      if (this.isTooLarge || this.fault !== null || this.unheard !== null) return;
    }
  }

  /** Tells what a part says, in the order in which it came, and takes one that belongs to a tool call. @returns whether it did */
  takesCall(part: StreamPart): boolean {
    switch (part.type) {
      case 'text-delta':
        this.#tell(this.#told.next(part.delta));
        return false;
      case 'finish':
        this.#tell(this.#told.rest());
        return false;
      case 'tool-call':
        this.#calls.push({ id: part.toolCallId, tool: this.names.fromWire(part.toolName), text: part.input });
        this.isTooLarge ||= this.#calls.length > MOST_CALLS;
        return true;
      case 'tool-input-delta':
        this.#count(part.delta);
        return true;
      case 'tool-input-start':
        this.#tellTool(this.names.fromWire(part.toolName));
        return true;
      case 'tool-input-end':
        return true;
      default:
        return false;
    }
  }

  outcome(): Answered | Unanswered {
    if (this.#finish === null) return unanswered('the answer broke off', 'ill');
    const calls = readCalls(this.#calls);
    return { answer: { text: escaped(this.#text), calls, finish: this.#finish }, usage: this.#usage };
  }

  #take(part: TextStreamPart<ToolSet>): void {
    switch (part.type) {
      case 'text-delta':
        this.#text += part.text;
        this.#count(part.text);
        return;
      case 'reasoning-delta':
        this.#count(part.text);
        return;
      case 'error':
        this.fault = part.error ?? new Error('an error without a reason');
        return;
      case 'finish-step':
        this.#finish = FINISHES[part.finishReason] ?? 'other';
        this.#usage = {
          inputTokens: part.usage.inputTokens,
          cachedTokens: part.usage.inputTokenDetails.cacheReadTokens,
          outputTokens: part.usage.outputTokens,
          reasoningTokens: part.usage.outputTokenDetails.reasoningTokens,
        };
    }
  }

  #count(text: string): void {
    this.#characters += text.length;
    this.isTooLarge ||= this.#characters > MOST_CHARACTERS;
  }

  #tell(text: string): void {
    if (text !== '') this.#orUnheard(() => this.#call.onText?.(text));
  }

  /** A name that is none of the request's is foreign text. */
  #tellTool(tool: string): void {
    const { request, onTool } = this.#call;
    if (request.tools.some(({ name }) => name === tool)) this.#orUnheard(() => onTool?.(tool));
  }

  #orUnheard(tell: () => void): void {
    try {
      tell();
    } catch (reason) {
      this.unheard = { reason };
    }
  }
}

const FINISHES: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  'tool-calls': 'tool_calls',
  length: 'length',
  'content-filter': 'content_filter',
};

function tooLarge(): Unanswered {
  const why = `the answer is larger than ${MOST_CHARACTERS} characters, or ${MOST_BYTES} bytes as it was sent, or has more than ${MOST_CALLS} tool calls, and was not read further`;
  return { answer: null, verdict: { kind: 'final' }, status: null, why, sign: 'well' };
}
