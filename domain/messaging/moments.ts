/**
 * A moment with microseconds, as messages carry it: `2026-11-22T10:00:00.000001Z`. PostgreSQL keeps no finer ones.
 * @param microseconds since 1970, a whole number
 */
export function formatMoment(microseconds: number): string {
  const milliseconds = Math.floor(microseconds / 1_000);
  const rest = String(microseconds - milliseconds * 1_000).padStart(3, '0');
  return `${new Date(milliseconds).toISOString().slice(0, -1)}${rest}Z`;
}

/** The microseconds since 1970 of such a text. */
export function parseMoment(text: string): number {
  return Date.parse(`${text.slice(0, 23)}Z`) * 1_000 + Number(text.slice(23, 26));
}
