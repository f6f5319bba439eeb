/** A value that survives JSON without loss. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** Type guard for a JSON object (not an array, not null). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A NUL character or half of a surrogate pair, as JSON text shows it: PostgreSQL keeps neither. */
const NOT_STORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/i;

/** Whether PostgreSQL can keep a value, given its JSON text as `JSON.stringify` writes it. */
export function isStorableJson(text: string): boolean {
  return !NOT_STORABLE.test(text);
}
