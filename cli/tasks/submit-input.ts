import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { InputInvalid } from '../../operations/operation-errors.ts';
import { keepDigits, parseObject, readText, type TextSource } from '../input/json-object.ts';

/** The properties of a graph that decide how its input is read. */
export interface InputShape {
  readonly name: string;
  readonly inputSchema: JsonObject | null;
  readonly documentProperty: string | null;
}

/** Where a submit's input comes from. */
export interface InputSources extends TextSource {
  /** A path, `-` for standard input, or nothing. */
  readonly file: string | undefined;
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * Reads the input of a submit. For a graph that takes a document the file is that document, whatever its content; for
 * any other it is a JSON object. Parameters are added to it.
 *
 * @throws InputUnreadable, InputTooLarge, InputInvalid
 */
export async function readSubmitInput(graph: InputShape, sources: InputSources): Promise<JsonObject> {
  const { documentProperty } = graph;
  refuseUnknownParameters(graph, [...sources.parameters.keys()]);
  const parameters = readParameters(sources.parameters, graph.inputSchema);
  const given = documentProperty !== null && documentProperty in parameters;
  if (sources.file === undefined) {
    if (documentProperty !== null && !given && needsProperty(graph.inputSchema, documentProperty)) {
      const remedy = 'Give one with --input FILE, or with --input - on standard input.';
      throw new InputInvalid(`"${graph.name}" takes a document and none was given. ${remedy}`, { graph: graph.name });
    }
    return parameters;
  }
  if (given) {
    throw new InputInvalid(`the document is given twice. Leave out --input or --param ${documentProperty}.`);
  }
  const document = await readText(sources.file, sources);
  if (documentProperty === null) return { ...parseObject(sources.file, document.text), ...parameters };
  return { name: document.name, ...parameters, [documentProperty]: document.text };
}

/** A misspelt parameter would be dropped silently by most schemas; a schema that wants more properties says so. */
function refuseUnknownParameters({ name, inputSchema }: InputShape, given: readonly string[]): void {
  const properties = inputSchema?.properties;
  if (!isJsonObject(properties) || inputSchema?.additionalProperties || inputSchema?.patternProperties) return;
  const known = Object.keys(properties);
  const unknown = given.find((parameter) => !known.includes(parameter));
  if (unknown === undefined) return;
  const list = known.length === 0 ? 'It takes no parameters' : `It takes ${known.join(', ')}`;
  throw new InputInvalid(`"${name}" takes no parameter "${unknown}". ${list}.`, { graph: name });
}

function readParameters(parameters: ReadonlyMap<string, string>, schema: JsonObject | null): JsonObject {
  const properties = isJsonObject(schema?.properties) ? schema.properties : {};
  return Object.fromEntries(
    [...parameters].map(([name, text]) => {
      const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
      return [name, readParameter(text, property)];
    }),
  );
}

/**
 * The value that a text on the command line stands for: JSON where it is JSON, unless the schema asks for a text. A
 * number that would be written differently stays a text unless the schema asks for a number, so that a version like 1.10
 * or a long id is never changed silently.
 */
export function readParameter(text: string, schema: Json | undefined): Json {
  if (asksForText(schema)) return text;
  try {
    const value: Json = JSON.parse(text, keepDigits);
    return typeof value === 'number' && !asksForNumber(schema) && String(value) !== text ? text : value;
  } catch {
    return text;
  }
}

function asksForNumber(schema: Json | undefined): boolean {
  const type = isJsonObject(schema) ? schema.type : undefined;
  return type === 'number' || type === 'integer';
}

function asksForText(schema: Json | undefined): boolean {
  if (!isJsonObject(schema)) return false;
  const { type, anyOf, oneOf, enum: words, const: word } = schema;
  if (type === 'string' || (Array.isArray(type) && type.includes('string'))) return true;
  if (typeof word === 'string') return true;
  if (Array.isArray(words) && words.every((value) => typeof value === 'string')) return true;
  return [anyOf, oneOf].some((branches) => Array.isArray(branches) && branches.some(asksForText));
}

function needsProperty(schema: JsonObject | null, property: string): boolean {
  const required = schema?.required;
  return Array.isArray(required) && required.includes(property);
}
