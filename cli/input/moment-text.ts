/** Times as people type them. */

const SPAN = /^(\d{1,6})(s|m|h|d)$/;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a length of time such as `30m`, `2h` or `7d`; null for what is none. */
export function readSpan(value: string): number | null {
  const [, count = '', unit = ''] = SPAN.exec(value.trim()) ?? [];
  const unitMs = UNIT_MS[unit];
  return unitMs === undefined ? null : Number(count) * unitMs;
}

const TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?(Z|[+-]\d\d:\d\d)?)?$/i;
const LARGEST_OFFSET_MINUTES = 14 * 60;

/**
 * The instant of a date, or of a date and time, in ISO 8601. Without a zone it is what the clocks of this machine show,
 * midnight where no time is given: of two such instants the first, and where the clocks skip it, as much later. Null for
 * what is no such text, and for dates and times that no calendar or clock has.
 */
export function readTime(value: string): Date | null {
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '0', zone] =
    TIME.exec(value.trim()) ?? [];
  if (year === undefined || month === undefined || day === undefined) return null;
  const parts = [year, month, day, hour, minute, second, fraction.padEnd(3, '0')].map(Number);
  const wall = wallOf(parts);
  if (wall === null) return null;
  if (zone === undefined) return localInstant(parts);
  const offsetMs = offsetOf(zone);
  return offsetMs === null ? null : new Date(wall - offsetMs);
}

/** A clock set to UTC that shows it; null where no clock shows it, on 30 February for example. */
function wallOf(parts: readonly number[]): number | null {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, fraction = 0] = parts;
  const wall = new Date(Date.UTC(year, month - 1, day, hour, minute, second, fraction));
  const shown = [wall.getUTCFullYear(), wall.getUTCMonth() + 1, wall.getUTCDate(), wall.getUTCHours()];
  const isShown = shown.every((part, index) => part === parts[index]);
  return isShown && minute < 60 && second < 60 ? wall.getTime() : null;
}

function localInstant(parts: readonly number[]): Date {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, fraction = 0] = parts;
  return new Date(year, month - 1, day, hour, minute, second, fraction);
}

function offsetOf(zone: string): number | null {
  if (zone.toUpperCase() === 'Z') return 0;
  const [hours = 0, minutes = 0] = zone.slice(1).split(':').map(Number);
  const total = hours * 60 + minutes;
  if (minutes >= 60 || total > LARGEST_OFFSET_MINUTES) return null;
  return (zone.startsWith('-') ? -total : total) * 60_000;
}
