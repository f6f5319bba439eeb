import pTimeout from 'p-timeout';
import { errorMessage } from '../../domain/errors.ts';

/** The result of a request to a service. */
export interface ProbeResult {
  readonly ok: boolean;
  /** How long the answer took, in milliseconds. */
  readonly ms: number;
  /** The reason of a failure; null for a success. */
  readonly reason: string | null;
}

/** How long an answer may take. */
const DEADLINE_MS = 900;
const NO_ANSWER: ProbeResult = { ok: false, ms: DEADLINE_MS, reason: 'it does not answer' };
/** How long an answer is reused, so that many callers cost one request. */
const FRESH_MS = 1_000;

/**
 * Sends one service a request with a deadline. An answer is reused for a second. A request that got no answer in time
 * is not repeated before it has ended, so that requests to a service that hangs do not pile up.
 */
export class Probe {
  readonly #question: () => Promise<unknown>;
  #pending: Promise<ProbeResult> | null = null;
  #askedAt = 0;
  #last: { readonly result: ProbeResult; readonly at: number } | null = null;

  constructor(question: () => Promise<unknown>) {
    this.#question = question;
  }

  /** Never rejects, and answers within a second. */
  async ask(): Promise<ProbeResult> {
    if (this.#last !== null && performance.now() - this.#last.at < FRESH_MS) return this.#last.result;
    this.#pending ??= this.#begin();
    const leftMs = Math.max(1, DEADLINE_MS - (performance.now() - this.#askedAt));
    return pTimeout(this.#pending, { milliseconds: leftMs, fallback: () => NO_ANSWER });
  }

  async #begin(): Promise<ProbeResult> {
    this.#askedAt = performance.now();
    const fault = await this.#question().then(() => null, errorMessage);
    const at = performance.now();
    const ms = Math.round(at - this.#askedAt);
    // A late answer counts as a failure; the next request shows whether the service has recovered.
    const reason = fault ?? (at - this.#askedAt > DEADLINE_MS ? `it took ${ms} ms` : null);
    const result = { ok: reason === null, ms, reason };
    this.#last = { result, at };
    this.#pending = null;
    return result;
  }
}
