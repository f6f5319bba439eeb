import type { Json, JsonObject } from '../json.ts';
import type { ModelCost } from './model-cost.ts';

/** One message of a conversation with a model. */
export type ModelMessage =
  | { readonly role: 'system'; readonly text: string }
  | { readonly role: 'user'; readonly text: string }
  | { readonly role: 'assistant'; readonly text: string; readonly calls: readonly AskedCall[] }
  | { readonly role: 'tool'; readonly callId: string; readonly tool: string; readonly text: string };

/** A tool call that a model asked for. Nobody has looked yet whether the tool exists and the arguments fit. */
export interface AskedCall {
  /** The model's id of it, by which the result is given back. */
  readonly id: string;
  readonly tool: string;
  /** As parsed; the text itself where it is not acceptable JSON, and then {@link fault} says why. */
  readonly arguments: Json;
  /** Why the arguments cannot be used, as a sentence that the model can read. */
  readonly fault?: string;
}

/** A tool as a model is told of it. */
export interface ModelTool {
  /** 1 to 64 letters, digits, `_` and `-`: providers refuse others. */
  readonly name: string;
  readonly description: string;
  /** JSON Schema of its arguments. */
  readonly inputSchema: JsonObject;
}

/** Which model is called in the place of another, and at which of its providers. */
export interface ModelChoice {
  /** A name of the installation's settings. @defaultValue the agent's own */
  readonly model?: string;
  /** A provider of the settings. @defaultValue all that the model has, in their order */
  readonly provider?: string;
}

/** What a model is asked. */
export interface ModelRequest {
  /** A name of the installation's settings, not a provider's model id. */
  readonly model: string;
  /** The only provider that may be called. @defaultValue all that the model has */
  readonly provider?: string;
  readonly messages: readonly ModelMessage[];
  readonly tools: readonly ModelTool[];
  /** JSON Schema that the answer's text is to fit; null for plain text. The provider may ignore it: validate. */
  readonly output: JsonObject | null;
  /** @defaultValue what the settings allow the model */
  readonly maxOutputTokens?: number;
  /** @defaultValue the provider's */
  readonly temperature?: number;
}

/** Why a model stopped. */
export type FinishReason = 'stop' | 'tool_calls' | 'length' | 'content_filter' | 'other';

/** Tokens of one call. */
export interface ModelUsage {
  /** All of the input, cached ones included. */
  readonly inputTokens: number;
  readonly cachedTokens: number;
  /** All of the output, reasoning included. */
  readonly outputTokens: number;
  readonly reasoningTokens: number;
}

/** What a model answered. */
export interface ModelAnswer {
  /** Who answered: a provider of the settings and its id of the model. */
  readonly provider: string;
  readonly model: string;
  /** Which of the ways to the model answered, from 0: as those who heard the answer were told. */
  readonly start: number;
  readonly text: string;
  readonly calls: readonly AskedCall[];
  readonly finish: FinishReason;
  readonly usage: ModelUsage;
  /** Millionths of the currency in which the settings state prices. */
  readonly costMicros: number;
  /** What earlier ways to the model may have cost that broke off before this one answered: their estimates. */
  readonly lost: ModelCost;
  /** Whose key paid: `user`, `tenant`, `host`, or `none` where the provider needs none. */
  readonly keySource: string;
}

/** Finds the key with which a provider is called; null where there is none. The order of its sources is its own. */
export type FindKey = (provider: string) => Promise<{ readonly key: string; readonly source: string } | null>;
