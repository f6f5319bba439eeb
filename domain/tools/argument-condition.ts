import { type OutputUnit, Validator } from '@cfworker/json-schema';
import { RE2JS } from 're2js';
import { errorClause } from '../errors.ts';
import { formatPointer, isJsonObject, type Json, type JsonObject } from '../json.ts';
import { KEYWORDS, type Keyword } from './condition-keywords.ts';

/** Schemas within schemas. */
const MAX_DEPTH = 16;
/** All schemas of a condition together. */
const MAX_SCHEMAS = 500;

/** What a walk through a condition has met. */
interface Walk {
  readonly tokens: readonly string[];
  readonly met: { schemas: number };
}

/**
 * What keeps a JSON Schema from being a condition on arguments, as a sentence; null for one that is. A keyword that is not
 * known here is refused: it would be ignored, and the condition would hold less than it says. So is a limit on numbers,
 * texts, lists or objects without the `type`, since any value of another type would fit it.
 */
export function conditionFault(condition: unknown): string | null {
  return schemaFault(condition, { tokens: [], met: { schemas: 0 } });
}

function schemaFault(schema: unknown, walk: Walk): string | null {
  walk.met.schemas += 1;
  if (walk.tokens.length > 2 * MAX_DEPTH || walk.met.schemas > MAX_SCHEMAS) return 'It is too large or too deep.';
  if (typeof schema === 'boolean') return null;
  if (!isJsonObject(schema)) return at(walk, 'must be a JSON Schema');
  for (const [name, value] of Object.entries(schema)) {
    const keyword = Object.hasOwn(KEYWORDS, name) ? KEYWORDS[name] : undefined;
    const inside = { ...walk, tokens: [...walk.tokens, name] };
    if (keyword === undefined) return at(inside, 'is not a keyword that conditions know');
    const fault = keywordFault(keyword, schema, { value, inside });
    if (fault !== null) return fault;
  }
  return null;
}

function keywordFault(
  { takes, type }: Keyword,
  schema: JsonObject,
  { value, inside }: { readonly value: Json; readonly inside: Walk },
): string | null {
  if (type !== undefined && !isOfType(schema.type, type)) return at(inside, `needs the type "${type}" beside it`);
  switch (takes) {
    case 'schema':
      return schemaFault(value, inside);
    case 'schemas':
      return Array.isArray(value) && value.length > 0 ? eachFault(value, inside) : at(inside, 'must list schemas');
    case 'properties':
      return isJsonObject(value) ? eachFault(value, inside) : at(inside, 'must be an object of schemas');
    case 'pattern':
      return patternFault(value, inside);
    default:
      return takes(value) ? null : at(inside, 'has a value that it cannot have');
  }
}

function isOfType(stated: Json | undefined, type: string): boolean {
  return stated === type || (type === 'number' && stated === 'integer');
}

function eachFault(schemas: object, inside: Walk): string | null {
  for (const [name, schema] of Object.entries(schemas)) {
    const fault = schemaFault(schema, { ...inside, tokens: [...inside.tokens, name] });
    if (fault !== null) return fault;
  }
  return null;
}

function patternFault(value: Json, inside: Walk): string | null {
  if (typeof value !== 'string' || value.length > MAX_PATTERN_LENGTH) return at(inside, 'must be a short text');
  try {
    RE2JS.compile(value);
    return null;
  } catch (error) {
    return at(inside, `cannot be used: ${errorClause(error)}`);
  }
}

const MAX_PATTERN_LENGTH = 500;

function at({ tokens }: Walk, what: string): string {
  return `${tokens.length === 0 ? 'It' : formatPointer(tokens)} ${what}.`;
}

/**
 * Why arguments do not fit a condition, as a clause; null where they do. The schema is interpreted and never compiled to
 * code, and its patterns run in time linear to the text.
 */
export function argumentsFault(condition: JsonObject, given: Json): string | null {
  const schema = withoutPatterns(condition, textsIn(given));
  const { valid, errors } = new Validator(schema, '2020-12').validate(given);
  return valid ? null : innermostFault(errors);
}

/** The last error is the innermost: the others say that a part was wrong. */
function innermostFault(errors: readonly OutputUnit[]): string {
  const { instanceLocation: place = '#', keyword = '', error = '' } = errors.at(-1) ?? {};
  // A pattern has become the list of texts that match it.
  return keyword === 'enum' ? `${place}: is none of the values that fit` : `${place}: ${errorClause(error)}`;
}

/**
 * The same schema for one value: each pattern is replaced by the texts of the value that match it. The library would run
 * patterns on the engine of the language, which a text can keep busy for minutes.
 */
function withoutPatterns(schema: Json, texts: ReadonlySet<string>): JsonObject {
  if (!isJsonObject(schema)) return schema === true ? {} : { not: {} };
  const { pattern, ...others } = schema;
  const entries = Object.entries(others).map(([name, value]) => [name, innerWithoutPatterns(name, value, texts)]);
  const plain: JsonObject = Object.fromEntries(entries);
  if (typeof pattern !== 'string') return plain;
  const engine = RE2JS.compile(pattern);
  return { allOf: [plain, { enum: [...texts].filter((text) => engine.test(text)) }] };
}

function innerWithoutPatterns(keyword: string, value: Json, texts: ReadonlySet<string>): Json {
  const takes = KEYWORDS[keyword]?.takes;
  if (takes === 'schema') return withoutPatterns(value, texts);
  if (takes === 'schemas' && Array.isArray(value)) return value.map((one: Json) => withoutPatterns(one, texts));
  if (takes !== 'properties' || !isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withoutPatterns(one, texts)]));
}

/** Every text in a value, names of properties included. */
function textsIn(value: Json, texts = new Set<string>()): ReadonlySet<string> {
  if (typeof value === 'string') texts.add(value);
  else if (Array.isArray(value)) for (const item of value) textsIn(item, texts);
  else if (isJsonObject(value)) {
    for (const [name, item] of Object.entries(value)) textsIn(item, texts.add(name));
  }
  return texts;
}
