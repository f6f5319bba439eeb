import { InvalidArgumentError } from 'commander';
import { isTenantId, isUuid } from '../domain/ids.ts';
import { WrongUsage } from './errors.ts';

/** Parsers of what stands behind an option or as an argument. Each refuses with a sentence that says what to give. */

const MAX_NAME_LENGTH = 255;
const TASK_QUEUE = /^[A-Za-z0-9._-]{1,64}$/;

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
  return value;
}

export function tenantName(value: string): string {
  if (!isTenantId(value)) {
    throw new InvalidArgumentError('Expected 1 to 64 letters, digits, dots, underscores or hyphens.');
  }
  return value;
}

export function taskQueueName(value: string): string {
  if (!TASK_QUEUE.test(value)) {
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

/** `name=value` pairs, collected over all the times that the option is given. */
export function parameter(value: string, others: ReadonlyMap<string, string> = new Map()): ReadonlyMap<string, string> {
  const at = value.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Expected name=value, for example --param maxTopics=4.');
  const name = value.slice(0, at);
  if (others.has(name)) throw new InvalidArgumentError(`The parameter "${name}" is given twice; give it once.`);
  return new Map([...others, [name, value.slice(at + 1)]]);
}
