import { errorMessage } from '../errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { type GraphFault, graphFault } from './graph-faults.ts';

/** Longest input schema as JSON text. A client compiles it at its first submit, which takes seconds for a megabyte. */
const MAX_INPUT_SCHEMA_LENGTH = 262_144;

/** Keywords of JSON Schema 2020-12 that contain schemas: one, a list, or one under each name. */
const WITH_ONE = new Set([
  ...['additionalProperties', 'unevaluatedProperties', 'propertyNames', 'items', 'unevaluatedItems', 'contains'],
  ...['not', 'if', 'then', 'else', 'contentSchema'],
]);
const WITH_LIST = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const WITH_NAMED = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);

/**
 * Faults of an input schema that would make every submit fail, or check less than it seems to: patterns that are
 * invalid with the flag `u`, which JSON Schema requires; references to other documents; asynchronous schemas; schemas
 * of anything but an object, which an input always is.
 */
export function inputSchemaFaults(schema: JsonObject | null): readonly GraphFault[] {
  if (schema === null) return [];
  const { length } = JSON.stringify(schema);
  if (length > MAX_INPUT_SCHEMA_LENGTH) {
    return [fault([], `Expected at most ${MAX_INPUT_SCHEMA_LENGTH} characters of JSON, found ${length}.`)];
  }
  return [...typeFaults(schema), ...schemaFaults(schema, [])];
}

/** A fault of the input schema, at a path within it. */
export function inputSchemaFault(path: readonly (string | number)[], message: string): GraphFault {
  return graphFault('input_schema_unusable', ['inputSchema', ...path], message);
}
const fault = inputSchemaFault;

function typeFaults({ type }: JsonObject): readonly GraphFault[] {
  const types = Array.isArray(type) ? type : [type];
  if (type === undefined || types.includes('object')) return [];
  return [fault(['type'], `A task's input is an object; expected the type "object", found ${JSON.stringify(type)}.`)];
}

function schemaFaults(schema: Json, path: readonly string[]): readonly GraphFault[] {
  if (!isJsonObject(schema)) return [];
  return Object.entries(schema).flatMap(([keyword, value]) => {
    const at = [...path, keyword];
    if (keyword === 'pattern') return patternFaults(value, at);
    if (keyword === '$ref' || keyword === '$dynamicRef') return referenceFaults(value, at);
    if (keyword === '$async' && value === true) return [fault(at, 'Expected a schema that is checked at once.')];
    if (WITH_ONE.has(keyword)) return schemaFaults(value, at);
    if (WITH_LIST.has(keyword) && Array.isArray(value)) {
      return value.flatMap((item, index) => schemaFaults(item, [...at, String(index)]));
    }
    if (!WITH_NAMED.has(keyword) || !isJsonObject(value)) return [];
    return Object.entries(value).flatMap(([name, item]) => [
      ...(keyword === 'patternProperties' ? patternFaults(name, [...at, name]) : []),
      ...schemaFaults(item, [...at, name]),
    ]);
  });
}

function patternFaults(pattern: Json, path: readonly string[]): readonly GraphFault[] {
  if (typeof pattern !== 'string') return [];
  try {
    new RegExp(pattern, 'u');
    return [];
  } catch (error) {
    const why = errorMessage(error).replace(/^Invalid regular expression: /, '');
    return [fault(path, `The pattern is not valid under the flag u, by which JSON Schema reads it: ${why}.`)];
  }
}

/** An absolute address or a path; a name within the schema is looked up by the compiler. */
const ELSEWHERE = /^(?:[a-z][a-z0-9+.-]*:)?\/\//i;

function referenceFaults(reference: Json, path: readonly string[]): readonly GraphFault[] {
  if (typeof reference !== 'string' || !ELSEWHERE.test(reference)) return [];
  return [fault(path, `Nothing is fetched: copy the schema of "${reference}" into $defs.`)];
}
