import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { GraphId } from '../domain/ids.ts';
import { isJsonObject, isStorableJson, type JsonObject } from '../domain/json.ts';
import type { GraphHead } from '../entities/graphs/graph-repository.ts';
import { InputInvalid } from './errors.ts';
import { readDocument } from './read-document.ts';

const MAX_FAULTS = 5;
const MAX_VALIDATORS = 100;

/**
 * Checks inputs against the input schemas of published graphs. A schema is compiled once; a published graph never
 * changes.
 */
export class InputChecker {
  readonly #ajv = new Ajv2020({ allErrors: true, strict: false, validateFormats: false });
  readonly #validators = new Map<GraphId, ValidateFunction>();

  /** @throws InputInvalid naming each fault with its path */
  check(graph: GraphHead, input: JsonObject): void {
    if (graph.inputSchema === null) return;
    const validate = this.#validatorOf(graph.id, graph.inputSchema);
    if (validate(input)) return;
    const faults = (validate.errors ?? []).slice(0, MAX_FAULTS).map((error) => {
      const at = error.instancePath === '' ? 'it' : error.instancePath;
      return `${at} ${error.message ?? 'is not allowed'}`;
    });
    throw new InputInvalid(`${faults.join('; ')}. \`muster graphs --json\` shows what "${graph.name}" takes.`, {
      graph: graph.name,
    });
  }

  #validatorOf(id: GraphId, inputSchema: JsonObject): ValidateFunction {
    const known = this.#validators.get(id);
    if (known !== undefined) return known;
    if (this.#validators.size >= MAX_VALIDATORS) this.#validators.clear();
    const compiled = this.#ajv.compile(inputSchema);
    this.#validators.set(id, compiled);
    return compiled;
  }
}

/**
 * Fills in a document: for a graph that takes one, `{ file }` becomes the file's text under the graph's document
 * property, and its base name under `name`. Everything else passes unchanged. @throws InputUnreadable, InputTooLarge
 */
export async function withDocument(graph: GraphHead, input: JsonObject, maxBytes: number): Promise<JsonObject> {
  const { documentProperty } = graph;
  const { file, ...rest } = input;
  if (documentProperty === null || typeof file !== 'string' || rest[documentProperty] !== undefined) return input;
  const { name, text } = await readDocument(file, maxBytes);
  return { name, ...rest, [documentProperty]: text };
}

/** @throws InputInvalid when a value is not a JSON object */
export function asInput(value: unknown): JsonObject {
  if (isJsonObject(value)) {
    if (isStorableJson(JSON.stringify(value))) return value;
    throw new InputInvalid('a text in it holds a NUL character or half of a surrogate pair. Remove it.');
  }
  throw new InputInvalid(
    `expected a JSON object, found ${value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value}.`,
  );
}
