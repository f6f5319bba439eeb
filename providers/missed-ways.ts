import type { CallVerdict } from '../domain/models/call-verdict.ts';
import { addCost, type ModelCost, NO_COST } from '../domain/models/model-cost.ts';
import { type ModelCallCode, ModelCallFailed } from '../domain/models/model-errors.ts';
import type { ModelRoute } from '../domain/models/model-settings.ts';
import type { ProviderOutcome } from './provider-outcome.ts';

/** A way to a model that was tried, or could not be. */
export interface Missed {
  readonly provider: string;
  readonly why: string;
  readonly keyIsMissing: boolean;
  readonly retryAfterMs: number | null;
  /** What it may have cost. */
  readonly lost: ModelCost;
  /** Why no other way is to be tried; null where the next one is. */
  readonly refusal: Refusal | null;
}

interface Refusal {
  readonly code: ModelCallCode;
  readonly message: string;
  readonly facts: { readonly provider: string; readonly status?: number };
}

/** A way that was not even tried. */
export function untried({ provider }: Pick<ModelRoute, 'provider'>, why: string, more: Partial<Missed> = {}): Missed {
  return { provider, why, keyIsMissing: false, retryAfterMs: null, lost: NO_COST, refusal: null, ...more };
}

/** A way that gave no answer. */
export function missedBy(
  model: string,
  { provider, source }: { readonly provider: string; readonly source: string },
  { verdict, status, why }: Extract<ProviderOutcome, { answer: null }>,
): Omit<Missed, 'lost'> {
  const facts = { provider, ...(status === null ? {} : { status }) };
  const refusals: Readonly<Record<CallVerdict['kind'], Refusal | null>> = {
    retry: null,
    key_refused: {
      ...{ code: 'model_key_missing', facts },
      message: `The provider ${provider} refused the key of the ${source} (${why}). Set another one with \`muster models key set ${provider}\`.`,
    },
    final: {
      ...{ code: 'model_refused', facts },
      message: `The provider ${provider} did not answer the request to "${model}": ${why}.`,
    },
  };
  const retryAfterMs = verdict.kind === 'retry' ? verdict.retryAfterMs : null;
  return { provider, why, keyIsMissing: false, retryAfterMs, refusal: refusals[verdict.kind] };
}

/** What these ways may have cost. */
export function lostBy(missed: readonly Missed[]): ModelCost {
  return missed.map(({ lost }) => lost).reduce(addCost, NO_COST);
}

/** Why there is no answer, of the ways that were tried. */
export function noAnswer(model: string, missed: readonly Missed[]): ModelCallFailed {
  const lost = lostBy(missed);
  const { refusal = null } = missed.at(-1) ?? {};
  if (refusal !== null) return new ModelCallFailed(refusal.code, refusal.message, { model, ...refusal.facts, lost });
  const told = missed.map(({ provider, why }) => `${provider}: ${why}`).join('; ');
  const first = missed[0]?.provider ?? '';
  if (missed.every(({ keyIsMissing }) => keyIsMissing)) {
    const sentence = `No key for the model "${model}" (${told}). Set one with \`muster models key set ${first}\`; nothing was called.`;
    return new ModelCallFailed('model_key_missing', sentence, { model });
  }
  const waits = missed.map(({ retryAfterMs }) => retryAfterMs).filter((waitMs) => waitMs !== null);
  const retryAfterMs = waits.length === 0 ? null : Math.ceil(Math.min(...waits));
  const sentence = `The model "${model}" is unavailable: ${told}.`;
  return new ModelCallFailed('model_unavailable', sentence, { model, retryAfterMs, lost });
}
