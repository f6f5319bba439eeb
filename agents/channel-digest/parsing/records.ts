import { readTimes } from './dates/date-order.ts';
import { readStamp } from './dates/stamp.ts';
import type { Source } from './format.ts';
import { elementPositions, type JsonPath } from './json-lines.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** One record of an export with the lines of its keys. */
export interface LocatedRecord {
  readonly record: Fields;
  /** The line on which a key stands; the record's own line where it lacks the key. */
  lineOf(key: string): number;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The objects of a list; nothing when the value is no list. */
export function fieldsIn(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

/** What lies at a path of a document; undefined when nothing does. */
export function valueAt(value: unknown, path: JsonPath): unknown {
  return path.reduce<unknown>((inner, step) => {
    if (typeof step === 'number') return Array.isArray(inner) ? inner[step] : undefined;
    return isFields(inner) ? inner[step] : undefined;
  }, value);
}

/** Whether a document has no line breaks, as programs write it for programs: then its records are counted as lines. */
export function isOneLine(text: string): boolean {
  return !text.trimEnd().includes('\n');
}

/** The records of the list at a path of a source, with their lines. */
export function recordsAt({ json, text }: Pick<Source, 'json' | 'text'>, path: JsonPath): LocatedRecord[] {
  const records = fieldsIn(valueAt(json, path));
  if (isOneLine(text)) return records.map((record, index) => ({ record, lineOf: () => index + 1 }));
  const positions = elementPositions(text, path);
  return records.map((record, index) => {
    const position = positions[index];
    return { record, lineOf: (key) => position?.keys.get(key) ?? position?.line ?? 1 };
  });
}

/** The first of these keys that holds words, without blanks around them. */
export function firstText(record: Fields, keys: readonly string[]): string | null {
  for (const key of keys) {
    const value = record[key];
    if (typeof value === 'string' && value.trim() !== '') return value.trim();
  }
  return null;
}

/** The first of these keys that holds an id, as text. */
export function firstId(record: Fields, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = record[key];
    if ((typeof value === 'string' && value !== '') || typeof value === 'number') return String(value);
  }
  return undefined;
}

/** The part of the records for which something holds, 0 to 1; a few hundred of them show it. */
export function shareOf(records: readonly Fields[], holds: (record: Fields) => boolean): number {
  const sample = records.slice(0, 300);
  return sample.length === 0 ? 0 : sample.filter(holds).length / sample.length;
}

/** A time as exports write it, text or a number of seconds or milliseconds since 1970, in the digest's form. */
export function timeIn(value: unknown): string | null {
  if (typeof value === 'string') return textTime(value.trim());
  if (typeof value !== 'number' || value < 100_000_000) return null;
  const date = new Date(value > 100_000_000_000 ? value : value * 1000);
  return Number.isNaN(date.getTime()) ? null : date.toISOString().replace(/\.\d{3}Z$/, 'Z');
}

function textTime(text: string): string | null {
  if (text === '') return null;
  if (/^\d{9,13}(?:\.\d{1,9})?$/.test(text)) return timeIn(Number(text)) ?? text;
  const stamp = readStamp(text);
  return stamp === null ? text : (readTimes([stamp]).times[0] ?? text);
}
