/** A value that survives JSON without loss. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
/** An object of JSON. */
export type JsonObject = { readonly [key: string]: Json };

/** Levels of lists and objects in one value. What reads values calls itself for each level and must not run out of stack. */
export const MAX_JSON_DEPTH = 500;

/** Type guard for a JSON object (not an array, not null). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What no text may hold, named for a sentence; null for a text that PostgreSQL can keep. */
export function textFault(text: string): string | null {
  if (text.includes('\u0000')) return 'a NUL character';
  return text.isWellFormed() ? null : 'half of a surrogate pair';
}

/** Writes the tokens of a path as a JSON Pointer (RFC 6901); none of them points at the whole document. */
export function formatPointer(tokens: readonly (string | number)[]): string {
  return tokens.map((token) => `/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** A path stands in messages and logs: of a longer one its beginning says enough. */
const MAX_PATH_LENGTH = 200;

/** A value as its JSON, or the first place, as a JSON Pointer, of what JSON cannot keep, and what was found there. */
export type ToJsonResult =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly path: string; readonly found: string };

/**
 * Makes of a value what JSON keeps of it: a copy of its own, in which dates are ISO 8601 texts, whatever has a `toJSON`
 * is what that gives, and properties that are undefined are left out. What JSON would drop or change silently is refused
 * instead: functions, symbols, BigInts, NaN and infinities, maps, sets, errors, bytes, promises, undefined in a list,
 * circles, more than {@link MAX_JSON_DEPTH} levels, and texts that PostgreSQL cannot keep. Never throws.
 */
export function toJson(value: unknown): ToJsonResult {
  const walk: Walk = { tokens: [], open: new Set(), found: '' };
  const copied = copyOrFail(value, walk);
  return copied === undefined
    ? { ok: false, path: printablePath(walk.tokens), found: walk.found }
    : { ok: true, value: copied };
}

/** What in a value JSON cannot keep, as a sentence. */
export function notJson({ path, found }: Extract<ToJsonResult, { ok: false }>): string {
  return `${found}${path === '' ? '' : ` at ${path}`} is not JSON.`;
}

/** Where a walk through a value stands; at its end, if it failed, where and why. */
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

/** Undefined for what failed, here and below: the walk then stands where it did. */
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

/** What the language calls an object: `Object` for plain ones and for instances of classes, `Map`, `Error` and so on. */
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

/** A text without the characters that PostgreSQL keeps in none: what says why something failed has to be stored. */
export function storableText(text: string): string {
  return text.replaceAll('\u0000', '\ufffd').toWellFormed();
}
