import { nameOf } from '../domain/graphs/read-unknown.ts';
import { textFault } from '../domain/json.ts';

/** Describes a value in an error: a number or a short text as it is, anything else by its kind. Never throws. */
export function foundText(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return foundString(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return nameOf(value);
  return foundObject(value);
}

function foundString(text: string): string {
  const fault = textFault(text);
  if (fault !== null) return `a text with ${fault}`;
  return text.length > 60 ? `${nameOf(text)} of ${text.length} characters` : nameOf(text);
}

function foundObject(value: object): string {
  try {
    const kind = Object.prototype.toString.call(value).slice('[object '.length, -1);
    if (kind === 'Date')
      return Number.isNaN(Number(value)) ? 'an invalid Date' : `the Date ${new Date(Number(value)).toISOString()}`;
    return kind === 'Object' ? 'an object' : `a value of the kind ${kind}`;
  } catch {
    return 'a value that throws when it is read';
  }
}
