import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { argumentsFault, conditionFault } from './argument-condition.ts';
import { KEYWORDS } from './condition-keywords.ts';

/** A schema that is larger is not looked at. Characters of JSON. */
const MOST_CHARACTERS = 100_000;
const MAX_DEPTH = 16;

/** What says nothing, or something else, once a part of it is left out. */
const WHOLE_OR_NOT: ReadonlySet<string> = new Set(['not', 'if', 'then', 'else', 'oneOf', 'contains']);

/**
 * Why arguments do not fit the input schema of a tool, as a clause; null where nothing speaks against them. The schema may
 * be foreign: it is never compiled, and only what conditions know of it counts, so that checking is quick whatever it says.
 * What has the last word is the tool.
 */
export function inputFault(schema: JsonObject, given: Json): string | null {
  if (JSON.stringify(schema).length > MOST_CHARACTERS) return null;
  return argumentsFault(knownPart(schema, 0), given);
}

/** The schema without what conditions do not know. It accepts all that the whole accepts. */
function knownPart(schema: JsonObject, depth: number): JsonObject {
  if (depth >= MAX_DEPTH) return {};
  const known = Object.entries(schema).flatMap(([name, value]) => {
    const part = partOf(schema, { name, value }, depth + 1);
    return part === undefined ? [] : [[name, part] as const];
  });
  return Object.fromEntries(known);
}

function partOf(
  schema: JsonObject,
  { name, value }: { readonly name: string; readonly value: Json },
  depth: number,
): Json | undefined {
  const takes = Object.hasOwn(KEYWORDS, name) ? KEYWORDS[name]?.takes : undefined;
  if (takes === undefined || (WHOLE_OR_NOT.has(name) && !isWhollyKnown(name, value))) return undefined;
  // Names that only a pattern allows would count as too many.
  if (name === 'additionalProperties' && schema.patternProperties !== undefined) return undefined;
  if (typeof takes === 'function') return takes(value) ? value : undefined;
  if (takes === 'pattern') return conditionFault({ type: 'string', pattern: value }) === null ? value : undefined;
  if (takes === 'schema') return innerPart(value, depth);
  if (takes === 'schemas') return Array.isArray(value) && value.length > 0 ? eachPart(value, depth) : undefined;
  if (!isJsonObject(value)) return undefined;
  return Object.fromEntries(Object.entries(value).map(([property, inner]) => [property, innerPart(inner, depth)]));
}

/** References and the like reach outside the part, so one that has any is left out as a whole. */
function isWhollyKnown(name: string, value: Json): boolean {
  const schemas: readonly Json[] = name === 'oneOf' && Array.isArray(value) ? value : [value];
  return schemas.every((schema) => conditionFault(schema) === null);
}

function eachPart(schemas: readonly Json[], depth: number): Json {
  return schemas.map((schema) => innerPart(schema, depth));
}

function innerPart(schema: Json, depth: number): Json {
  if (isJsonObject(schema)) return knownPart(schema, depth);
  return typeof schema === 'boolean' ? schema : {};
}
