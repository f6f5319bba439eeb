/** A moment as ISO 8601 writes it, with a time zone at its end. */
export const MOMENT_TEXT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

/** The moment of a text with a time zone, in milliseconds since 1970; null for any other value. */
export function momentOf(value: unknown): number | null {
  const ms = typeof value === 'string' && MOMENT_TEXT.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}
