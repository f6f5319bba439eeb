import type { Json } from '../json.ts';

/** One keyword of JSON Schema that conditions may use. */
export interface Keyword {
  /** What stands behind it: a schema, several, one for each property, a pattern, or a value that this accepts. */
  readonly takes: 'schema' | 'schemas' | 'properties' | 'pattern' | ((value: Json) => boolean);
  /** The `type` that must stand beside it. */
  readonly type?: 'number' | 'string' | 'array' | 'object';
}

const TYPES: readonly unknown[] = ['null', 'boolean', 'integer', 'number', 'string', 'array', 'object'];

const isText = (value: Json) => typeof value === 'string';
const isNumber = (value: Json) => typeof value === 'number';
const isCount = (value: Json) => Number.isSafeInteger(value) && Number(value) >= 0;
const isType = (value: Json) => TYPES.includes(value) || (isFilled(value) && value.every((one) => TYPES.includes(one)));
const areTexts = (value: Json) => Array.isArray(value) && value.every((one) => typeof one === 'string');
const isPositive = (value: Json) => typeof value === 'number' && value > 0;

function isFilled(value: Json): value is readonly Json[] {
  return Array.isArray(value) && value.length > 0;
}

/** The keywords that conditions know. Whatever JSON Schema has besides is refused. */
export const KEYWORDS: Readonly<Record<string, Keyword>> = {
  title: { takes: isText },
  description: { takes: isText },
  type: { takes: isType },
  const: { takes: () => true },
  enum: { takes: isFilled },
  minimum: { takes: isNumber, type: 'number' },
  maximum: { takes: isNumber, type: 'number' },
  exclusiveMinimum: { takes: isNumber, type: 'number' },
  exclusiveMaximum: { takes: isNumber, type: 'number' },
  multipleOf: { takes: isPositive, type: 'number' },
  minLength: { takes: isCount, type: 'string' },
  maxLength: { takes: isCount, type: 'string' },
  pattern: { takes: 'pattern', type: 'string' },
  items: { takes: 'schema', type: 'array' },
  prefixItems: { takes: 'schemas', type: 'array' },
  contains: { takes: 'schema', type: 'array' },
  minItems: { takes: isCount, type: 'array' },
  maxItems: { takes: isCount, type: 'array' },
  properties: { takes: 'properties', type: 'object' },
  required: { takes: areTexts, type: 'object' },
  additionalProperties: { takes: 'schema', type: 'object' },
  propertyNames: { takes: 'schema', type: 'object' },
  minProperties: { takes: isCount, type: 'object' },
  maxProperties: { takes: isCount, type: 'object' },
  allOf: { takes: 'schemas' },
  anyOf: { takes: 'schemas' },
  oneOf: { takes: 'schemas' },
  not: { takes: 'schema' },
  if: { takes: 'schema' },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { takes: 'schema' },
  else: { takes: 'schema' },
};
