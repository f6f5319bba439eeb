import { InvalidArgumentError } from 'commander';
import { isTaskQueue, isTenantId, isUuid } from '../../domain/ids.ts';
import { isPauseTarget } from '../../domain/queues/queue-settings.ts';
import { WrongUsage } from '../cli-errors.ts';
import { readSpan, readTime } from './moment-text.ts';

/** Parsers of what stands behind an option or as an argument. Each refuses with a sentence that says what to give. */

const MAX_NAME_LENGTH = 255;

/** One of a few words, in any case. */
export function oneOf<const Words extends readonly string[]>(words: Words): (value: string) => Words[number] {
  return (value) => {
    const found = words.find((word) => word === value.toLowerCase());
    if (found === undefined) throw new InvalidArgumentError(`Expected one of ${words.join(', ')}.`);
    return found;
  };
}

/** A whole number within a range. */
export function wholeNumber(range: { min: number; max: number }): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (!/^[+]?\d+$/.test(value.trim()) || number < range.min || number > range.max) {
      throw new InvalidArgumentError(`Expected a whole number from ${range.min} to ${range.max}.`);
    }
    return number;
  };
}

/** A path. What looks like the next option is a value that was forgotten. */
export function fileName(value: string): string {
  if (value === '') throw new InvalidArgumentError('Expected the path of a file, found an empty text.');
  if (/^--[a-z]/.test(value)) throw new InvalidArgumentError('Expected the path of a file, found an option.');
  return value;
}

/** Files, collected over all the times that the option is given. */
export function fileNames(value: string, others: readonly string[] = []): readonly string[] {
  return [...others, fileName(value)];
}

/** A short text of the user's own choice. */
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

export function tenantName(value: string): string {
  if (!isTenantId(value)) {
    throw new InvalidArgumentError('Expected 1 to 64 letters, digits, dots, underscores or hyphens.');
  }
  return value;
}

export function taskQueueName(value: string): string {
  if (!isTaskQueue(value)) {
    throw new InvalidArgumentError('Expected 1 to 64 letters, digits, dots, underscores or hyphens.');
  }
  return value;
}

/** The id of a task, however it was copied. @throws WrongUsage */
export function taskId(value: string): string {
  const id = value.trim().toLowerCase();
  if (isUuid(id)) return id;
  throw new WrongUsage(
    `"${value}" is not a task's id, which looks like 019ab3c4-5d6e-7f80-9123-456789abcdef. \`muster tasks\` lists the newest tasks.`,
  );
}

/** The id of a message, however it was copied. @throws WrongUsage */
export function messageId(value: string): string {
  const id = value.trim().toLowerCase();
  if (isUuid(id)) return id;
  throw new WrongUsage(`"${value}" is not a message's id. \`muster messages\` lists the newest messages.`);
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

/** A moment in the past: how long ago it was, or date and time. Without a zone the time is that of this machine. */
export function pastMoment(value: string): Date {
  return momentOf(value, { sign: -1, expected: PAST });
}

/** A moment to come: in how long, or date and time. Without a zone the time is that of this machine. */
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

/** A band, a tenant or a graph: what the queue can leave out for a while. */
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
