import pTimeout from 'p-timeout';
import { errorMessage } from '../../domain/errors.ts';

/** What a service said when it was asked to do something. */
export interface ProbeResult {
  readonly ok: boolean;
  /** How long the answer took, in milliseconds. */
  readonly ms: number;
  /** Why not; null when it is. */
  readonly reason: string | null;
}

/** How long an answer may take. */
const DEADLINE_MS = 900;
const NO_ANSWER: ProbeResult = { ok: false, ms: DEADLINE_MS, reason: 'it does not answer' };
/** How long an answer counts, so that many who ask cost one question. */
const FRESH_MS = 1_000;

/**
 * Asks one service to do something, with a deadline. An answer counts for a second. A question that got none within its
 * time is not asked again before it has ended: a service that hangs gathers no questions.
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

  #begin(): Promise<ProbeResult> {
    this.#askedAt = performance.now();
    const asked = performance.now();
    return this.#question()
      .then(
        (): ProbeResult => ({ ok: true, ms: Math.round(performance.now() - asked), reason: null }),
        (error: unknown): ProbeResult => ({
          ok: false,
          ms: Math.round(performance.now() - asked),
          reason: errorMessage(error),
        }),
      )
      .then((answer) => {
        // An answer that came too late is no good answer, and the next question shows whether it is better by now.
        const isLate = answer.ok && performance.now() - asked > DEADLINE_MS;
        const result = isLate ? { ...answer, ok: false, reason: `it took ${answer.ms} ms` } : answer;
        this.#last = { result, at: performance.now() };
        this.#pending = null;
        return result;
      });
  }
}
