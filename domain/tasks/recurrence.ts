import { Cron } from 'croner';
import { isJsonObject } from '../json.ts';

/** A local date and time, as the milliseconds since 1970 of a UTC clock that shows it. */
export type WallTime = number;

const DAY_MS = 86_400_000;

/** Whether the runtime knows a time zone by this name, such as `Europe/Berlin` or `UTC`. */
function isTimezone(name: string): boolean {
  try {
    formatter(name);
    return true;
  } catch {
    return false;
  }
}

/** The local time of a time zone at an instant. */
export function wallTimeOf(instant: Date, timezone: string): WallTime {
  const parts: Record<string, number> = {};
  for (const { type, value } of formatter(timezone).formatToParts(instant)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second, instant.getUTCMilliseconds());
}

/**
 * The instant of a local time in a time zone. For a time that occurs twice it is the first; a skipped time moves
 * forward by the gap.
 */
export function instantOf(wall: WallTime, timezone: string): Date {
  const offsets = [wall - DAY_MS, wall + DAY_MS].map((near) => wallTimeOf(new Date(near), timezone) - near);
  const candidates = offsets.map((offset) => new Date(wall - offset));
  const exact = candidates.find((candidate) => wallTimeOf(candidate, timezone) === wall);
  return exact ?? candidates[0] ?? new Date(wall);
}

/** The same time of day some calendar months later; a day that the month lacks becomes its last day. */
function addMonths(wall: WallTime, months: number): WallTime {
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

export const RECURRENCE_INTERVALS = ['daily', 'weekly', 'monthly'] as const;
export type RecurrenceInterval = (typeof RECURRENCE_INTERVALS)[number];

/**
 * A caller's rule for repeating a task: an interval, counted from the task's first start, or a cron pattern of five
 * fields. Times of day are in the time zone. @defaultValue of `timezone`: `UTC`
 *
 * When clocks skip a time of an interval, it moves forward by the gap (02:30 becomes 03:30); a pattern with one time a
 * day occurs after the skipped hour (03:00), and one with stars or steps omits the skipped times. When clocks are set
 * back, an interval and a pattern with one time a day occur at the first of the two times; a pattern with stars or
 * steps at both.
 */
export type Repeat =
  | RecurrenceInterval
  | { readonly every: RecurrenceInterval; readonly timezone?: string }
  | { readonly cron: string; readonly timezone?: string };

/** The stored rule: the anchor of an interval is the first time of the series, in ISO 8601. */
export type Recurrence = IntervalRecurrence | { readonly cron: string; readonly timezone: string };
type IntervalRecurrence = {
  readonly every: RecurrenceInterval;
  readonly timezone: string;
  readonly anchor: string;
};

const LONGEST_CRON_PATTERN = 255;

/**
 * The stored rule of a series.
 * @param anchor the first time of a series of intervals
 * @returns a sentence for an invalid rule: an unknown field, interval or time zone, an interval and a pattern at once,
 * or a pattern that never occurs
 */
export function recurrenceOf(repeat: Repeat, anchor: Date): Recurrence | string {
  const fields = fieldsOf(repeat);
  const fault = fieldsFault(fields);
  if (fault !== null) return fault;
  const { every, cron, timezone = 'UTC' } = fields;
  if (typeof timezone !== 'string' || !isTimezone(timezone)) {
    return `the time zone "${String(timezone)}" is unknown: use a name such as Europe/Berlin`;
  }
  if (typeof cron === 'string') return cronFault(cron, timezone, anchor) ?? { cron, timezone };
  const interval = RECURRENCE_INTERVALS.find((known) => known === every);
  if (interval === undefined) return `it must be ${RECURRENCE_INTERVALS.join(', ')} or a cron pattern`;
  return { every: interval, timezone, anchor: anchor.toISOString() };
}

/** Reads a recurrence from a task's row; null for anything else. */
export function readRecurrence(stored: unknown): Recurrence | null {
  if (!isJsonObject(stored)) return null;
  const { every, cron, timezone, anchor } = stored;
  const first = new Date(typeof anchor === 'string' ? anchor : 0);
  if (typeof timezone !== 'string' || Number.isNaN(first.getTime())) return null;
  const repeat = typeof cron === 'string' ? { cron, timezone } : { every: every as RecurrenceInterval, timezone };
  const recurrence = recurrenceOf(repeat, first);
  return typeof recurrence === 'string' ? null : recurrence;
}

/**
 * When the next task of a series is due: the first of the series' times after the previous one and after now. Missed
 * times are skipped, not caught up; how long a task ran, or when it started, does not matter.
 * @param scheduledAt when the previous task was due
 * @returns null when no further time comes
 */
export function nextOccurrence(
  recurrence: Recurrence,
  { scheduledAt, now }: { readonly scheduledAt: Date; readonly now: Date },
): Date | null {
  const after = new Date(Math.max(scheduledAt.getTime(), now.getTime()));
  if ('cron' in recurrence) return cronOf(recurrence.cron, recurrence.timezone).nextRun(after);
  return nextInterval(recurrence, after);
}

function nextInterval({ every, timezone, anchor }: IntervalRecurrence, after: Date): Date {
  const first = wallTimeOf(new Date(anchor), timezone);
  const from = Math.max(after.getTime(), new Date(anchor).getTime());
  // Starts two before the estimate: months differ in length and clocks are set back, so it may be one too far.
  for (
    let count = Math.max(1, intervalsBetween(every, first, wallTimeOf(new Date(from), timezone)) - 2);
    ;
    count += 1
  ) {
    const next = instantOf(addIntervals(every, first, count), timezone);
    if (next.getTime() > from) return next;
  }
}

function addIntervals(every: RecurrenceInterval, wall: WallTime, count: number): WallTime {
  if (every === 'monthly') return addMonths(wall, count);
  return wall + count * (every === 'daily' ? DAY_MS : 7 * DAY_MS);
}

function intervalsBetween(every: RecurrenceInterval, from: WallTime, to: WallTime): number {
  if (every !== 'monthly') return Math.floor((to - from) / (every === 'daily' ? DAY_MS : 7 * DAY_MS));
  const [first, last] = [new Date(from), new Date(to)];
  return (last.getUTCFullYear() - first.getUTCFullYear()) * 12 + last.getUTCMonth() - first.getUTCMonth();
}

function fieldsOf(repeat: unknown): { every?: unknown; cron?: unknown; timezone?: unknown } {
  return isJsonObject(repeat) ? repeat : { every: repeat };
}

const FIELDS = ['every', 'cron', 'timezone'];

function fieldsFault(fields: Readonly<Record<string, unknown>>): string | null {
  const given = Object.keys(fields).filter((name) => fields[name] !== undefined);
  const strange = given.find((name) => !FIELDS.includes(name));
  if (strange !== undefined) return `it takes ${FIELDS.join(', ')}, not "${strange}"`;
  return given.includes('every') && given.includes('cron') ? 'it takes every or cron, not both' : null;
}

function cronFault(pattern: string, timezone: string, from: Date): string | null {
  if (pattern.length > LONGEST_CRON_PATTERN)
    return `the cron pattern is longer than ${LONGEST_CRON_PATTERN} characters`;
  try {
    return cronOf(pattern, timezone).nextRun(from) === null ? `the cron pattern "${pattern}" never occurs` : null;
  } catch {
    return `"${pattern}" is not a cron pattern of five fields: minute, hour, day, month, day of the week`;
  }
}

/** Without a function to call, a pattern computes times and starts no timer. */
function cronOf(pattern: string, timezone: string): Cron {
  return new Cron(pattern, { timezone, mode: '5-part' });
}
