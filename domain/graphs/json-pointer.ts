import { isJsonObject, type Json } from '../json.ts';

const ARRAY_INDEX = /^(0|[1-9]\d*)$/;
const BAD_ESCAPE = /~(?![01])/;

/**
 * Splits a JSON Pointer (RFC 6901) into its unescaped tokens; `''` points at the whole document and has none. Null for
 * a text that is not a pointer: neither empty nor beginning with `/`, or with a `~` that is not followed by `0` or `1`.
 */
export function parsePointer(pointer: string): readonly string[] | null {
  if (pointer === '') return [];
  if (!pointer.startsWith('/') || BAD_ESCAPE.test(pointer)) return null;
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/**
 * The value that a pointer names, or undefined if there is none; a stored null is a value. Reads only own properties
 * and the indices of arrays: never a prototype, never the length of a text. O(length of the pointer).
 */
export function readPointer(document: Json, pointer: string): Json | undefined {
  const tokens = parsePointer(pointer);
  if (tokens === null) return undefined;
  let value: Json | undefined = document;
  for (const token of tokens) {
    if (value === undefined) return undefined;
    value = child(value, token);
  }
  return value;
}

function child(value: Json, token: string): Json | undefined {
  if (isJsonObject(value)) return Object.hasOwn(value, token) ? value[token] : undefined;
  if (typeof value !== 'object' || value === null || !ARRAY_INDEX.test(token)) return undefined;
  return value[Number(token)];
}
