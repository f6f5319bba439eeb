import { Cron } from 'croner';
import { isJsonObject } from '../json.ts';
import { addMonths, instantOf, isTimezone, type WallTime, wallTimeOf } from './local-time.ts';

export const RECURRENCE_INTERVALS = ['daily', 'weekly', 'monthly'] as const;
export type RecurrenceInterval = (typeof RECURRENCE_INTERVALS)[number];

/**
 * How a caller says that a task repeats: an interval, counted from the task's first start, or a cron pattern of five
 * fields. Times of day are those of the time zone. @defaultValue of `timezone`: `UTC`
 *
 * Where clocks are put forward over a time of an interval, it comes as much later (02:30 at 03:30); a pattern with one
 * time a day comes when the skipped hour has passed (03:00), and one with stars or steps leaves the skipped times out.
 * Where clocks are put back, an interval and a pattern with one time a day come at the first of the two; a pattern with
 * stars or steps at both.
 */
export type Repeat =
  | RecurrenceInterval
  | { readonly every: RecurrenceInterval; readonly timezone?: string }
  | { readonly cron: string; readonly timezone?: string };

/** The same as a task's row keeps it: the anchor of an interval is the first time of the series, in ISO 8601. */
export type Recurrence = IntervalRecurrence | { readonly cron: string; readonly timezone: string };
type IntervalRecurrence = {
  readonly every: RecurrenceInterval;
  readonly timezone: string;
  readonly anchor: string;
};

const DAY_MS = 86_400_000;
const LONGEST_CRON_PATTERN = 255;

/**
 * What a series is made from.
 * @param anchor the first time of a series of intervals
 * @returns a sentence instead when it cannot be used: an unknown field, interval or time zone, an interval and a pattern at
 * once, or a pattern that never comes
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

/** Reads a recurrence from a task's row; null for what is none. */
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
 * When the next task of a series is due: the first of the series' times that lies after the one before it and after now.
 * Times that passed meanwhile are skipped, not caught up; how long a task ran, or when it started, changes nothing.
 * @param scheduledAt when the task before it was due
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
  // Two before the estimate: months are of different lengths and clocks are put back, so it may be one too far.
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
  if (strange !== undefined) return `it takes ${FIELDS.join(', ')}, and no "${strange}"`;
  return given.includes('every') && given.includes('cron') ? 'it takes every or cron, and not both' : null;
}

function cronFault(pattern: string, timezone: string, from: Date): string | null {
  if (pattern.length > LONGEST_CRON_PATTERN)
    return `the cron pattern is longer than ${LONGEST_CRON_PATTERN} characters`;
  try {
    return cronOf(pattern, timezone).nextRun(from) === null ? `the cron pattern "${pattern}" never comes` : null;
  } catch {
    return `"${pattern}" is no cron pattern of five fields: minute, hour, day, month, day of the week`;
  }
}

/** Without a function to call, a pattern computes times and starts no timer. */
function cronOf(pattern: string, timezone: string): Cron {
  return new Cron(pattern, { timezone, mode: '5-part' });
}
