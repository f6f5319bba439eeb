/** A clock's face: what a calendar and a clock on the wall show, as milliseconds since 1970 of a clock set to it. */
export type WallTime = number;

const DAY_MS = 86_400_000;

/** Whether the runtime knows a time zone by this name, such as `Europe/Berlin` or `UTC`. */
export function isTimezone(name: string): boolean {
  try {
    formatter(name);
    return true;
  } catch {
    return false;
  }
}

/** What the clocks of a time zone show at an instant. */
export function wallTimeOf(instant: Date, timezone: string): WallTime {
  const parts: Record<string, number> = {};
  for (const { type, value } of formatter(timezone).formatToParts(instant)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second, instant.getUTCMilliseconds());
}

/**
 * The instant at which the clocks of a time zone show this. A time that they show twice is the first of the two; one that
 * they skip is as much later as they are put forward.
 */
export function instantOf(wall: WallTime, timezone: string): Date {
  const offsets = [wall - DAY_MS, wall + DAY_MS].map((near) => wallTimeOf(new Date(near), timezone) - near);
  const candidates = offsets.map((offset) => new Date(wall - offset));
  const exact = candidates.find((candidate) => wallTimeOf(candidate, timezone) === wall);
  return exact ?? candidates[0] ?? new Date(wall);
}

/** The same time of day some calendar months later; a day that the month does not have is its last one. */
export function addMonths(wall: WallTime, months: number): WallTime {
  const from = new Date(wall);
  const first = new Date(wall);
  first.setUTCDate(1);
  first.setUTCMonth(from.getUTCMonth() + months);
  const daysInMonth = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  first.setUTCDate(Math.min(from.getUTCDate(), daysInMonth));
  return first.getTime();
}

function formatter(timezone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
  });
}
