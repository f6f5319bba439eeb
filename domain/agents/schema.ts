import { formatPointer, isJsonObject, type JsonObject } from '../json.ts';
import { readSafely, thrownText } from '../thrown-text.ts';
import type { Schema } from './handler.ts';

/** One fault of a value: its place as a JSON Pointer (`''` is the value itself), and the schema's message. */
export interface ValueIssue {
  readonly path: string;
  readonly message: string;
}

/**
 * Parses a value with a schema, or returns all its faults. A schema is foreign code: if it throws, or returns an
 * invalid result, that counts as a fault of the value. Never rejects.
 */
export async function parseWith<Value>(
  schema: Schema<Value>,
  value: unknown,
): Promise<
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly issues: readonly ValueIssue[] }
> {
  try {
    const result: unknown = await schema['~standard'].validate(value);
    const issues = readSafely(result, 'issues');
    if (Array.isArray(issues)) return { ok: false, issues: issues.slice(0, MAX_ISSUES).map(toValueIssue) };
    if (issues === undefined && typeof result === 'object' && result !== null && 'value' in result) {
      // The schema declares the type of its values.
      return { ok: true, value: result.value as Value };
    }
    return whole('the schema answered with neither a value nor a list of issues');
  } catch (error) {
    return whole(`the schema threw: ${thrownText(error)}`);
  }
}

/** Further issues are left out: a value with many parts may be wrong in each. */
const MAX_ISSUES = 100;

function whole(message: string): { readonly ok: false; readonly issues: readonly ValueIssue[] } {
  return { ok: false, issues: [{ path: '', message }] };
}

function toValueIssue(issue: unknown): ValueIssue {
  const path = readSafely(issue, 'path');
  const tokens = (Array.isArray(path) ? path : []).map((part: unknown) => textOfKey(readSafely(part, 'key') ?? part));
  const message = readSafely(issue, 'message');
  return { path: formatPointer(tokens), message: typeof message === 'string' ? message : thrownText(issue) };
}

function textOfKey(key: unknown): string {
  return typeof key === 'object' || typeof key === 'function' ? '?' : String(key);
}

/** A regular expression with flags that JSON Schema cannot express, and the place of its pattern in the JSON Schema. */
export interface LostFlags {
  readonly path: readonly (string | number)[];
  readonly regex: RegExp;
}

/** A schema as data. */
export interface WrittenSchema {
  /** As JSON Schema 2020-12; null for a schema whose library does not write JSON Schema. */
  readonly jsonSchema: JsonObject | null;
  /** Only for Zod's schemas; other libraries do not tell. */
  readonly lostFlags: readonly LostFlags[];
}

/**
 * The form of a value before it is parsed. Throws what the library throws for a schema without such a form, a
 * transformation for example.
 */
export function writeSchema(schema: Schema<unknown>): WrittenSchema {
  const { jsonSchema, vendor } = schema['~standard'];
  const lost = new Map<RegExp, LostFlags>();
  const override = (context: unknown) => noteLostFlags(context, lost);
  const libraryOptions = vendor === 'zod' ? { override } : undefined;
  const written = jsonSchema?.input({ target: 'draft-2020-12', ...(libraryOptions && { libraryOptions }) });
  // Only plain data: libraries add functions and hidden properties.
  return {
    jsonSchema: written === undefined ? null : JSON.parse(JSON.stringify(written)),
    lostFlags: [...lost.values()],
  };
}

/** Flags under which a pattern means the same as under `u` alone; `g` and `d` only change what a search returns. */
const HARMLESS_FLAGS = /^[dgu]*$/;

/** Zod passes each schema with its path as it writes it. */
function noteLostFlags(context: unknown, lost: Map<RegExp, LostFlags>): void {
  const { zodSchema, path } = fieldsOf(context);
  const { def } = fieldsOf(fieldsOf(zodSchema)._zod);
  const { checks } = fieldsOf(def);
  const checked = Array.isArray(checks) ? checks.map((check) => fieldsOf(fieldsOf(check)._zod).def) : [];
  for (const { pattern: regex } of [def, ...checked].map(fieldsOf)) {
    if (!(regex instanceof RegExp) || HARMLESS_FLAGS.test(regex.flags) || lost.has(regex)) continue;
    lost.set(regex, { path: Array.isArray(path) ? path : [], regex });
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return isJsonObject(value) ? value : {};
}
