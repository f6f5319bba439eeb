import { readTimes } from './dates/date-order.ts';
import { readStamp } from './dates/stamp.ts';
import type { Source } from './format.ts';

/** One step into a JSON document: a key of an object, or a position in a list. */
export type JsonPath = ReadonlyArray<string | number>;

/** The lines of one element of an array in a JSON source: its own and that of each of its keys. */
export interface ElementPosition {
  readonly line: number;
  readonly keys: ReadonlyMap<string, number>;
}

interface Level {
  readonly array: boolean;
  /** Whether this container is on the way to the wanted array, as far as its depth. */
  readonly onPath: boolean;
  step: string | number;
  expectsKey: boolean;
}

/**
 * Finds the lines of the objects inside the array at a path of valid JSON text. `JSON.parse` gives values without
 * positions, and a digest must cite lines. One pass, no recursion; elements come in source order.
 */
function elementPositions(text: string, path: JsonPath): ElementPosition[] {
  const stack: Level[] = [];
  const elements: Array<{ line: number; keys: Map<string, number> }> = [];
  let line = 1;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    const top = stack.at(-1);
    if (character === '\n') line++;
    else if (character === '"') {
      const end = stringEnd(text, at);
      if (top?.expectsKey === true) {
        top.step = JSON.parse(text.slice(at, end + 1)) as string;
        top.expectsKey = false;
        if (top.onPath && stack.length === path.length + 2) elements.at(-1)?.keys.set(top.step, line);
      }
      at = end;
    } else if (character === '{' || character === '[') {
      const level = levelIn(stack, path, character === '[');
      if (level.onPath && stack.length === path.length + 1 && !level.array) elements.push({ line, keys: new Map() });
      stack.push(level);
    } else if (character === '}' || character === ']') {
      if (stack.pop()?.onPath === true && stack.length === path.length) return elements;
    } else if (character === ',' && top !== undefined) {
      top.expectsKey = !top.array;
      if (typeof top.step === 'number') top.step++;
    }
  }
  return [];
}

/** A container on the path, or an element of the array that the path leads to. */
function levelIn(stack: readonly Level[], path: JsonPath, array: boolean): Level {
  const parent = stack.at(-1);
  const depth = stack.length;
  const onPath = parent === undefined || (parent.onPath && (depth > path.length || parent.step === path[depth - 1]));
  return { array, onPath, step: array ? 0 : '', expectsKey: !array };
}

function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}

export type Fields = Readonly<Record<string, unknown>>;

export interface LocatedRecord {
  readonly record: Fields;
  /** The line of a key; the record's own line if it lacks the key. */
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
