import { isJsonObject, type Json, MAX_JSON_DEPTH } from '../json.ts';
import { type GraphFault, type GraphFaultCode, graphFault } from './graph-faults.ts';

/** The place of a reader in unknown data, and the list of its faults. */
export interface Place {
  readonly path: readonly (string | number)[];
  readonly faults: GraphFault[];
}

/** The place of a property or an item. */
export function at(place: Place, token: string | number): Place {
  return { path: [...place.path, token], faults: place.faults };
}

export function note(place: Place, code: GraphFaultCode, message: string): void {
  place.faults.push(graphFault(code, place.path, message));
}

/** An object; notes each missing and each unknown property. Null, with a fault, for anything else. */
export function readObject(
  value: unknown,
  place: Place,
  keys: { readonly required: readonly string[]; readonly optional?: readonly string[] },
): Readonly<Record<string, unknown>> | null {
  if (!isJsonObject(value)) {
    note(place, 'malformed', `Expected an object, found ${nameOf(value)}.`);
    return null;
  }
  const known = [...keys.required, ...(keys.optional ?? [])];
  // An undefined property would not survive JSON, so it counts as absent.
  const own = Object.fromEntries(Object.entries<unknown>(value).filter(([, item]) => item !== undefined));
  for (const key of keys.required) {
    if (!Object.hasOwn(own, key)) note(at(place, key), 'malformed', `Expected "${key}", found nothing.`);
  }
  for (const key of Object.keys(own)) {
    if (!known.includes(key)) note(at(place, key), 'unknown_property', `Expected only ${list(known)}, found "${key}".`);
  }
  return own;
}

/** The items of an array, each read with its own place; items for which `read` returns null are left out. */
export function readList<Item>(
  value: unknown,
  place: Place,
  read: (value: unknown, place: Place) => Item | null,
): readonly Item[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    note(place, 'malformed', `Expected a list, found ${nameOf(value)}.`);
    return [];
  }
  return value.map((item: unknown, index) => read(item, at(place, index))).filter((item) => item !== null);
}

/** The values of an object with free names. */
export function readRecord<Item>(
  value: unknown,
  place: Place,
  read: (value: unknown, place: Place) => Item,
): Readonly<Record<string, Item>> {
  if (!isJsonObject(value)) {
    note(place, 'malformed', `Expected an object, found ${nameOf(value)}.`);
    return {};
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, read(item, at(place, key))]));
}

export function readText(value: unknown, place: Place): string {
  if (typeof value === 'string') return value;
  if (value !== undefined) note(place, 'malformed', `Expected text, found ${nameOf(value)}.`);
  return '';
}

export function readBoolean(value: unknown, place: Place): boolean {
  if (typeof value === 'boolean') return value;
  if (value !== undefined) note(place, 'malformed', `Expected true or false, found ${nameOf(value)}.`);
  return false;
}

/** An integer within limits; otherwise the default. */
export function readInteger(
  value: unknown,
  place: Place,
  limits: { readonly code: GraphFaultCode; readonly min: number; readonly max?: number; readonly default: number },
): number {
  const { code, min, max = Number.MAX_SAFE_INTEGER } = limits;
  if (Number.isSafeInteger(value) && typeof value === 'number' && value >= min && value <= max) return value;
  const range = limits.max === undefined ? `of at least ${min}` : `from ${min} to ${max}`;
  if (value !== undefined) note(place, code, `Expected a whole number ${range}, found ${nameOf(value)}.`);
  return limits.default;
}

/** One of the given words; otherwise the first of them. */
export function readWord<const Words extends readonly [string, ...string[]]>(
  value: unknown,
  place: Place,
  words: Words,
): Words[number] {
  const word = words.find((candidate) => candidate === value);
  if (word === undefined && value !== undefined) {
    note(place, 'malformed', `Expected ${list(words, 'or')}, found ${nameOf(value)}.`);
  }
  return word ?? words[0];
}

/** A value that survives JSON without loss. */
export function readJson(value: unknown, place: Place): Json {
  if (isJson(value, MAX_JSON_DEPTH)) return value;
  if (value !== undefined) {
    note(place, 'malformed', `Expected a JSON value at most ${MAX_JSON_DEPTH} levels deep, found ${nameOf(value)}.`);
  }
  return null;
}

function isJson(value: unknown, depth: number): value is Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || depth === 0 || hasOwnText(value)) return false;
  return Object.values(value).every((item) => isJson(item, depth - 1));
}

/** A Date, for example, is a different value after JSON. */
function hasOwnText(value: object): boolean {
  return 'toJSON' in value && typeof value.toJSON === 'function';
}

/** Names a value in a sentence: a number or a text (shortened) as it is, anything else by its kind. */
export function nameOf(value: unknown): string {
  if (value === null || value === undefined || typeof value === 'boolean') return String(value);
  if (typeof value === 'number' || typeof value === 'bigint') return `the number ${value}`;
  if (typeof value === 'string') return `"${value.length > 60 ? `${value.slice(0, 60).toWellFormed()}…` : value}"`;
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function list(words: readonly string[], conjunction = 'and'): string {
  const quoted = words.map((word) => `"${word}"`);
  const last = quoted.pop() ?? 'nothing';
  return quoted.length === 0 ? last : `${quoted.join(', ')} ${conjunction} ${last}`;
}
