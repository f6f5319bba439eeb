import { formatPointer, type JsonObject } from '../json.ts';
import type { Schema, SchemaIssue } from './handler.ts';

/** One fault of a value: where in it, as a JSON Pointer (`''` is the value itself), and what the schema says. */
export interface ValueIssue {
  readonly path: string;
  readonly message: string;
}

/** Parses a value by a schema, or names all its faults. Rejects only when the schema itself throws. */
export async function parseWith<Value>(
  schema: Schema<Value>,
  value: unknown,
): Promise<
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly issues: readonly ValueIssue[] }
> {
  const result = await schema['~standard'].validate(value);
  if (result.issues === undefined) return { ok: true, value: result.value };
  return { ok: false, issues: result.issues.map(toValueIssue) };
}

function toValueIssue({ message, path = [] }: SchemaIssue): ValueIssue {
  const tokens = path.map((part) => String(typeof part === 'object' ? part.key : part));
  return { path: formatPointer(tokens), message };
}

/**
 * What a value must look like before it is parsed, as JSON Schema 2020-12; null for a schema whose library does not
 * write JSON Schema. Throws what the library throws for a schema that has no such form, a transformation for example.
 */
export function toJsonSchema(schema: Schema<unknown>): JsonObject | null {
  const written = schema['~standard'].jsonSchema?.input({ target: 'draft-2020-12' });
  // Only what is plain data: libraries hang functions and hidden properties on what they write.
  return written === undefined ? null : JSON.parse(JSON.stringify(written));
}
