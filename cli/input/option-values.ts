import { InvalidArgumentError } from 'commander';
import { isTaskQueue, isTenantId, isUuid } from '../../domain/ids.ts';
import { isPauseTarget } from '../../domain/queues/queue-settings.ts';
import { parseCursor } from '../../domain/thinking/event-cursor.ts';
import { WrongUsage } from '../cli-errors.ts';

/** Times as people type them. */

const SPAN = /^(\d{1,6})(s|m|h|d)$/;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The milliseconds of a duration such as `30m`, `2h` or `7d`; null for any other text. */
export function readSpan(value: string): number | null {
  const [, count = '', unit = ''] = SPAN.exec(value.trim()) ?? [];
  const unitMs = UNIT_MS[unit];
  return unitMs === undefined ? null : Number(count) * unitMs;
}

const TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?(Z|[+-]\d\d:\d\d)?)?$/i;
const LARGEST_OFFSET_MINUTES = 14 * 60;

/**
 * The instant of a date, or of a date and time, in ISO 8601. Without a zone it is the local time of this machine, at
 * midnight if no time is given. A local time that occurs twice means the first instant; one that the clocks skip moves
 * forward by the gap. Null for any other text, and for dates and times that do not exist.
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

/**
 * The milliseconds since 1970 of a UTC clock that shows this time; null where no clock does, on 30 February for
 * example.
 */
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

/** Parsers of the values of options and arguments. Each refuses a value with a sentence that says what to give. */

const MAX_NAME_LENGTH = 255;

/** One of a few words, in any case. */
export function oneOf<const Words extends readonly string[]>(words: Words): (value: string) => Words[number] {
  return (value) => {
    const found = words.find((word) => word === value.toLowerCase());
    if (found === undefined) throw new InvalidArgumentError(`Expected one of ${words.join(', ')}.`);
    return found;
  };
}

export function wholeNumber(range: { min: number; max: number }): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (!/^[+]?\d+$/.test(value.trim()) || number < range.min || number > range.max) {
      throw new InvalidArgumentError(`Expected a whole number from ${range.min} to ${range.max}.`);
    }
    return number;
  };
}

/** The number or the cursor of an event. */
export function eventCursor(value: string): string {
  if (parseCursor(value) !== null) return value;
  throw new InvalidArgumentError('Expected the number or the cursor of an event.');
}

/** A path. A text that looks like an option means that the value was forgotten. */
export function fileName(value: string): string {
  if (value === '') throw new InvalidArgumentError('Expected the path of a file, found an empty text.');
  if (/^--[a-z]/.test(value)) throw new InvalidArgumentError('Expected the path of a file, found an option.');
  return value;
}

/** Files, collected over all the times that the option is given. */
export function fileNames(value: string, others: readonly string[] = []): readonly string[] {
  return [...others, fileName(value)];
}

export function shortText(value: string): string {
  if (value === '' || value.length > MAX_NAME_LENGTH) {
    throw new InvalidArgumentError(`Expected 1 to ${MAX_NAME_LENGTH} characters.`);
  }
  return utf8(value);
}

/** Bytes that are not UTF-8 reach the program as this character: two different names would become one. */
const REPLACEMENT = '\ufffd';

function utf8(value: string): string {
  if (value.includes(REPLACEMENT)) throw new InvalidArgumentError('Expected text in UTF-8, found other bytes.');
  return value;
}

export const tenantName = nameThat(isTenantId);
export const taskQueueName = nameThat(isTaskQueue);

function nameThat(isValid: (value: string) => boolean): (value: string) => string {
  return (value) => {
    if (isValid(value)) return value;
    throw new InvalidArgumentError('Expected 1 to 64 letters, digits, dots, underscores or hyphens.');
  };
}

/** The id of a task, in any case and with spaces around it. @throws WrongUsage */
export function taskId(value: string): string {
  const id = value.trim().toLowerCase();
  if (isUuid(id)) return id;
  throw new WrongUsage(
    `"${value}" is not a task's id, which looks like 019ab3c4-5d6e-7f80-9123-456789abcdef. \`muster tasks\` lists the newest tasks.`,
  );
}

/** The number of a task's trace. */
export const traceNumber = wholeNumber({ min: 1, max: 1_000_000 });

/** The id of a message, in any case and with spaces around it. @throws WrongUsage */
export function messageId(value: string): string {
  const id = value.trim().toLowerCase();
  if (isUuid(id)) return id;
  throw new WrongUsage(`"${value}" is not a message's id. \`muster messages\` lists the newest messages.`);
}

/** The id of a row that a command lists, in any case and with spaces around it. @throws WrongUsage */
export function rowId(value: string, what: 'grant' | 'approval'): string {
  const id = value.trim().toLowerCase();
  if (isUuid(id)) return id;
  throw new WrongUsage(
    `"${value}" is not the id of ${what === 'approval' ? 'an' : 'a'} ${what}. \`muster ${what}s\` lists them.`,
  );
}

const MESSAGE_PRIORITIES = ['critical', 'high', 'normal', 'low'] as const;
export type MessagePriority = 1 | 2 | 3 | 4;

/** The priority of a message by its name. */
export function messagePriority(value: string): MessagePriority {
  return (MESSAGE_PRIORITIES.indexOf(oneOf(MESSAGE_PRIORITIES)(value)) + 1) as MessagePriority;
}

/** `name=value` pairs, collected over all the times that the option is given. */
export function parameter(value: string, others: ReadonlyMap<string, string> = new Map()): ReadonlyMap<string, string> {
  const at = value.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Expected name=value, for example --param maxTopics=4.');
  const name = value.slice(0, at);
  if (others.has(name)) throw new InvalidArgumentError(`The parameter "${name}" is given twice; give it once.`);
  return new Map([...others, [utf8(name), utf8(value.slice(at + 1))]]);
}

const PAST = 'Expected how long ago, like 30m, 2h or 7d, or a date or time that exists, like 2026-11-22T09:00.';
const COMING = 'Expected in how long, like 30m, 2h or 7d, or a date or time that exists, like 2026-11-23T09:00.';

/** A moment in the past: how long ago, or a date and time. Without a zone it is the time of this machine. */
export function pastMoment(value: string): Date {
  return momentOf(value, { sign: -1, expected: PAST });
}

/** A moment to come: in how long, or a date and time. Without a zone it is the time of this machine. */
export function comingMoment(value: string): Date {
  return momentOf(value, { sign: 1, expected: COMING });
}

function momentOf(value: string, { sign, expected }: { readonly sign: 1 | -1; readonly expected: string }): Date {
  const spanMs = readSpan(value);
  const at = spanMs === null ? readTime(value) : new Date(Date.now() + sign * spanMs);
  if (at === null || at.getTime() < 0) throw new InvalidArgumentError(expected);
  return at;
}

/** Ids of tasks, separated by commas, collected over all the times that the option is given. @throws WrongUsage */
export function taskIds(value: string, others: readonly string[] = []): readonly string[] {
  return [...others, ...value.split(',').map(taskId)];
}

/** A band, a tenant or a graph, which the queue can pause. */
export function pauseTarget(value: string): string {
  if (isPauseTarget(value)) return value;
  throw new InvalidArgumentError('Expected band:NAME (high, normal, low), tenant:NAME or graph:NAME.');
}

/** What `limits set` sets a limit to. */
export type LimitValue =
  | { readonly kind: 'at_once'; readonly count: number }
  | { readonly kind: 'rate'; readonly count: number; readonly seconds: number }
  | { readonly kind: 'none' };

const RATE = /^(\d{1,12}(?:\.\d{1,6})?)\/(\d{1,8}(?:\.\d{1,6})?)$/;

/** A number at once, a number in so many seconds, or `none`. */
export function limitValue(value: string): LimitValue {
  if (value === 'none') return { kind: 'none' };
  const [, count, seconds] = RATE.exec(value) ?? [];
  if (count !== undefined) return { kind: 'rate', count: Number(count), seconds: Number(seconds) };
  if (/^\d{1,7}$/.test(value)) return { kind: 'at_once', count: Number(value) };
  throw new InvalidArgumentError('Expected a number at once like 4, a number in seconds like 60/10, or none.');
}
