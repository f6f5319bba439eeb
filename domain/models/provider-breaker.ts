/** A provider's circuit breaker: keeps calls away from what has just failed again and again. Plain values. */
export interface Breaker {
  /** Failures since the last success. */
  readonly failures: number;
  /** When it opened, or its probe began; null while it is closed. */
  readonly openedAtMs: number | null;
}

/** What the end of a call says of its provider: `none` where the caller cut it short. */
export type ProviderSign = 'well' | 'ill' | 'none';

/** Who waits so long has waited long enough to say that a provider is ill. */
export const PATIENCE_MS = 60_000;

export const CLOSED: Breaker = { failures: 0, openedAtMs: null };
/** So many failures in a row open it. */
const FAILURES_TO_OPEN = 5;
/** So long it stays open. One call may probe then, and each so much later while none has succeeded. */
const OPEN_MS = 60_000;

/** Whether a call may be made: null, or how long to wait. */
export function waitOfBreaker({ openedAtMs }: Breaker, nowMs: number): number | null {
  if (openedAtMs === null || nowMs >= openedAtMs + OPEN_MS) return null;
  return openedAtMs + OPEN_MS - nowMs;
}

/** A call begins. Where it is the probe of an open breaker, others wait for its end, or as long as the breaker was open. */
export function callBegins(breaker: Breaker, nowMs: number): Breaker {
  return breaker.openedAtMs === null ? breaker : { ...breaker, openedAtMs: nowMs };
}

/** A call has ended without an answer that says that the provider works. */
export function callFailed({ failures, openedAtMs }: Breaker, nowMs: number): Breaker {
  const opens = openedAtMs !== null || failures + 1 >= FAILURES_TO_OPEN;
  return { failures: failures + 1, openedAtMs: opens ? nowMs : null };
}
