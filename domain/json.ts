/** A value that survives JSON without loss. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
/** An object of JSON. */
export type JsonObject = { readonly [key: string]: Json };

/** Levels of lists and objects in one value. Code that reads values recurses and must not exhaust the stack. */
export const MAX_JSON_DEPTH = 500;

/** Type guard for a JSON object (not an array, not null). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What makes a text impossible to store, for a sentence; null for a text that PostgreSQL can store. */
export function textFault(text: string): string | null {
  if (text.includes('\u0000')) return 'a NUL character';
  return text.isWellFormed() ? null : 'half of a surrogate pair';
}

/** Writes the tokens of a path as a JSON Pointer (RFC 6901); none of them points at the whole document. */
export function formatPointer(tokens: readonly (string | number)[]): string {
  return tokens.map((token) => `/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** Paths appear in messages and logs; the beginning of a longer one is enough. */
const MAX_PATH_LENGTH = 200;

/** A value as JSON, or the place (a JSON Pointer) of the first value that JSON cannot express, and its description. */
export type ToJsonResult =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly path: string; readonly found: string };

/**
 * Copies a value as JSON: dates become ISO 8601 texts, objects with `toJSON` become its result, and undefined
 * properties are left out. Values that JSON would drop or change silently are refused: functions, symbols, BigInts, NaN
 * and infinities, maps, sets, errors, bytes, promises, undefined in a list, circles, more than {@link MAX_JSON_DEPTH}
 * levels, and texts that PostgreSQL cannot store. Never throws.
 */
export function toJson(value: unknown): ToJsonResult {
  const walk: Walk = { tokens: [], open: new Set(), found: '' };
  const copied = copyOrFail(value, walk);
  return copied === undefined
    ? { ok: false, path: printablePath(walk.tokens), found: walk.found }
    : { ok: true, value: copied };
}

/** A sentence about a value that is not JSON. */
export function notJson({ path, found }: Extract<ToJsonResult, { ok: false }>): string {
  return `${found}${path === '' ? '' : ` at ${path}`} is not JSON.`;
}

/** The state of a walk through a value; after a failure, its place and reason. */
interface Walk {
  readonly tokens: (string | number)[];
  /** The lists and objects around this place. */
  readonly open: Set<object>;
  found: string;
}

function copyOrFail(value: unknown, walk: Walk): Json | undefined {
  try {
    return copy(value, walk);
  } catch {
    return fail(walk, 'a value that throws when it is read');
  }
}

function fail(walk: Walk, found: string): undefined {
  walk.found = found;
}

function printablePath(tokens: readonly (string | number)[]): string {
  const path = formatPointer(tokens).replaceAll('\u0000', '\\u0000').toWellFormed();
  return path.length > MAX_PATH_LENGTH ? `${path.slice(0, MAX_PATH_LENGTH)}…` : path;
}

/** Undefined after a failure here or below; the walk then keeps the place. */
function copy(value: unknown, walk: Walk): Json | undefined {
  switch (typeof value) {
    case 'string':
      return copyText(value, walk);
    case 'number':
      // A negative zero is written as 0.
      return Number.isFinite(value) ? value || 0 : fail(walk, String(value));
    case 'boolean':
      return value;
    case 'object':
      return value === null ? null : copyObject(value, walk);
    case 'undefined':
      return fail(walk, 'undefined');
    case 'bigint':
      return fail(walk, 'a BigInt');
    default:
      return fail(walk, `a ${typeof value}`);
  }
}

function copyText(text: string, walk: Walk): string | undefined {
  const fault = textFault(text);
  return fault === null ? text : fail(walk, `a text with ${fault}`);
}

function copyObject(value: object, walk: Walk): Json | undefined {
  if (walk.open.has(value)) return fail(walk, 'a value that contains itself');
  if (walk.open.size >= MAX_JSON_DEPTH) return fail(walk, `a value more than ${MAX_JSON_DEPTH} levels deep`);
  walk.open.add(value);
  const copied = Array.isArray(value) ? copyList(value, walk) : copyOther(value, walk);
  walk.open.delete(value);
  return copied;
}

function copyOther(value: object, walk: Walk): Json | undefined {
  const kind = kindOf(value);
  if (kind === 'Date' && Number.isNaN(Number(value))) return fail(walk, 'an invalid Date');
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return copy(value.toJSON(String(walk.tokens.at(-1) ?? '')), walk);
  }
  return kind === 'Object' ? copyFields(value, walk) : fail(walk, `${/^[AEIO]/.test(kind) ? 'an' : 'a'} ${kind}`);
}

/** The language's name for an object: `Object` for plain ones and instances of classes, `Map`, `Error` and so on. */
function kindOf(value: object): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1);
}

function copyList(list: readonly unknown[], walk: Walk): Json | undefined {
  const items: Json[] = [];
  for (let index = 0; index < list.length; index += 1) {
    walk.tokens.push(index);
    const item = copy(list[index], walk);
    if (item === undefined) return undefined;
    items.push(item);
    walk.tokens.pop();
  }
  return items;
}

function copyFields(value: object, walk: Walk): Json | undefined {
  const fields: Record<string, Json> = {};
  for (const [name, given] of Object.entries<unknown>(value as Record<string, unknown>)) {
    if (given === undefined) continue;
    walk.tokens.push(name);
    const fault = textFault(name);
    const field = fault === null ? copy(given, walk) : fail(walk, `a name with ${fault}`);
    if (field === undefined) return undefined;
    setField(fields, name, field);
    walk.tokens.pop();
  }
  return fields;
}

/** As `JSON.parse` does it: `__proto__` is a name like any other. */
function setField(fields: Record<string, Json>, name: string, value: Json): void {
  if (name !== '__proto__') fields[name] = value;
  else Object.defineProperty(fields, name, { value, enumerable: true, configurable: true, writable: true });
}

/** A text without the characters that PostgreSQL cannot store, so that the reason of a failure can always be stored. */
export function storableText(text: string): string {
  return text.replaceAll('\u0000', '\ufffd').toWellFormed();
}

/**
 * One text for one value: keys sorted by code unit at every depth, no white space. Two values that differ only in the
 * order of their keys have the same text, so its hash identifies the value.
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  const sorted = entries.sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${sorted.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
