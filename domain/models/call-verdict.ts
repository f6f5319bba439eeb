/** What an answer without an answer means. */
export type CallVerdict =
  | { readonly kind: 'final' }
  | { readonly kind: 'key_refused' }
  | { readonly kind: 'retry'; readonly retryAfterMs: number | null };

/** Of the 400 class, what says that the same request may succeed later: timeout, too early, too many. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);
/** What a provider may ask to wait at most. */
const MOST_WAIT_MS = 3_600_000;

/**
 * The verdict on a failed call.
 * @param status null where no answer came, or it broke off
 * @param retryAfter the header of that name: seconds, or a date
 */
export function verdictOn(status: number | null, retryAfter: string | null, nowMs: number): CallVerdict {
  if (status === 401) return { kind: 'key_refused' };
  if (status !== null && status >= 300 && status < 500 && !PASSING.has(status)) return { kind: 'final' };
  return { kind: 'retry', retryAfterMs: retryAfterMs(retryAfter, nowMs) };
}

function retryAfterMs(header: string | null, nowMs: number): number | null {
  if (header === null) return null;
  const seconds = /^\d{1,9}(?:\.\d{1,6})?$/.test(header.trim()) ? Number(header) : null;
  const waitMs = seconds === null ? dateOf(header) - nowMs : seconds * 1_000;
  return Number.isFinite(waitMs) ? Math.min(Math.max(0, Math.ceil(waitMs)), MOST_WAIT_MS) : null;
}

/** NaN for what names no month: a number alone would be read as a year. */
function dateOf(header: string): number {
  return /[a-z]{3}/i.test(header) ? Date.parse(header) : Number.NaN;
}
