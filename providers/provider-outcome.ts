import { APICallError } from 'ai';
import { errorClause } from '../domain/errors.ts';
import { type CallVerdict, verdictOn } from '../domain/models/call-verdict.ts';
import type { ModelAnswer } from '../domain/models/model-messages.ts';
import type { ProviderSign } from '../domain/models/provider-breaker.ts';
import type { ReportedUsage } from '../domain/models/usage.ts';
import type { Refusal } from './guarded-fetch.ts';

/** What is told of a provider's own words about an error. */
const MOST_TOLD = 500;

/** What became of a call. `why` holds no key. */
export type ProviderOutcome =
  | { readonly answer: Pick<ModelAnswer, 'text' | 'calls' | 'finish'>; readonly usage: ReportedUsage }
  | {
      readonly answer: null;
      readonly verdict: CallVerdict;
      readonly status: number | null;
      readonly why: string;
      readonly sign: ProviderSign;
      /** Whether the provider may charge for it all the same. */
      readonly paid: 'no' | 'unknown';
    };

export type Answered = Exclude<ProviderOutcome, { readonly answer: null }>;
/** A call without an answer, before it is known whether it may be paid for. */
export type Unanswered = Omit<Extract<ProviderOutcome, { readonly answer: null }>, 'paid'>;

export function unanswered(why: string, sign: ProviderSign): Unanswered {
  return { answer: null, verdict: { kind: 'retry', retryAfterMs: null }, status: null, why, sign };
}

/** An answer with an error, as a status, as an error within the stream, or as a connection that failed. */
export function faultOf(error: unknown, key: string | null): Unanswered {
  const isAnswer = APICallError.isInstance(error);
  const status = isAnswer ? (error.statusCode ?? null) : statusWithin(error);
  const retryAfter = (isAnswer ? error.responseHeaders?.['retry-after'] : undefined) ?? null;
  const words = errorClause(error);
  // Before it is cut: what is left of a key that the cut goes through would not be found any more.
  const told = (key === null || key === '' ? words : words.replaceAll(key, '[key]')).slice(0, MOST_TOLD);
  return status === null ? unanswered(told, 'ill') : refused({ status, retryAfter }, told);
}

/** An answer below 500 says that the provider works: it is about one caller's request or key. */
export function refused({ status, retryAfter }: Refusal, told: string): Unanswered {
  const verdict = verdictOn(status, retryAfter, Date.now());
  return { answer: null, verdict, status, why: `status ${status}: ${told}`, sign: status < 500 ? 'well' : 'ill' };
}

/** The code that some providers give to an error within a stream. */
function statusWithin(error: unknown): number | null {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
  const status = typeof code === 'string' ? (STATUSES.get(code) ?? Number(code)) : code;
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status < 600 ? status : null;
}

/** Where that code is a word: the status with which the same comes before a stream. */
const STATUSES: ReadonlyMap<string, number> = new Map([
  ['insufficient_quota', 429],
  ['rate_limit_exceeded', 429],
  ['invalid_api_key', 401],
  ['context_length_exceeded', 400],
]);
