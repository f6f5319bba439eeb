/** A moment as ISO 8601 writes it, with a time zone at its end. */
export const MOMENT_TEXT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

/** The moments that both PostgreSQL and ISO 8601 can write. */
const FIRST = Date.parse('0001-01-01T00:00:00Z');
const LAST = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * The moment of a text with a time zone, in milliseconds since 1970; null for any other value, a day that does not exist, and
 * a moment that is not within the years 1 to 9999 in UTC.
 */
export function momentOf(value: unknown): number | null {
  if (typeof value !== 'string' || !MOMENT_TEXT.test(value)) return null;
  const ms = Date.parse(value);
  return ms >= FIRST && ms <= LAST && isDay(value.slice(0, 10)) ? ms : null;
}

/** `Date.parse` takes February 30 for March 2. */
function isDay(text: string): boolean {
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}
