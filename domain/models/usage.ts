import type { ModelUsage } from './model-messages.ts';
import type { ModelPrices } from './model-settings.ts';

const MILLION = 1_000_000n;
/** No answer has more. A provider that reports more is not believed beyond it. */
const MOST_TOKENS = 1_000_000_000;

/** What a provider reports, before anybody has looked at it. */
export type ReportedUsage = { readonly [Name in keyof ModelUsage]?: unknown };

/**
 * The usage of a call: what the provider reports where that can be tokens, else the estimate, so that an answer is never
 * free because its provider keeps silent. Cached tokens are part of the input, reasoning is part of the output.
 */
export function usageOf(
  reported: ReportedUsage,
  estimate: Pick<ModelUsage, 'inputTokens' | 'outputTokens'>,
): ModelUsage {
  const inputTokens = tokens(reported.inputTokens) ?? estimate.inputTokens;
  const outputTokens = tokens(reported.outputTokens) ?? estimate.outputTokens;
  return {
    inputTokens,
    cachedTokens: Math.min(tokens(reported.cachedTokens) ?? 0, inputTokens),
    outputTokens,
    reasoningTokens: Math.min(tokens(reported.reasoningTokens) ?? 0, outputTokens),
  };
}

function tokens(value: unknown): number | null {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) return null;
  return Math.min(Math.ceil(value), MOST_TOKENS);
}

/**
 * What a call costs, in whole micros, rounded up: the sum of many calls is never below their price. Cached input has its
 * own price, reasoning that of output.
 */
export function costMicros(usage: ModelUsage, prices: ModelPrices): number {
  const fresh = BigInt(usage.inputTokens - usage.cachedTokens) * BigInt(prices.input);
  const cached = BigInt(usage.cachedTokens) * BigInt(prices.cached);
  const output = BigInt(usage.outputTokens) * BigInt(prices.output);
  return Number((fresh + cached + output + MILLION - 1n) / MILLION);
}
