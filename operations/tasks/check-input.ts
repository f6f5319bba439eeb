import type { GraphId } from '../../domain/ids.ts';
import { isJsonObject, type JsonObject, toJson } from '../../domain/json.ts';
import type { GraphHead } from '../../entities/graphs/statements/newest-graphs.ts';
import { compileInputSchema, type InputCheck } from '../graphs/input-schemas.ts';
import { InputInvalid } from '../operation-errors.ts';

const MAX_FAULTS = 5;
const MAX_CHECKS = 100;

/**
 * Checks inputs against the input schemas of published graphs. A schema is compiled once; a published graph never
 * changes.
 */
export class InputChecker {
  readonly #checks = new Map<GraphId, InputCheck>();

  /**
   * @throws InputInvalid naming each fault with its path; GraphInvalid for a graph of an older version whose schema
   * cannot check anything
   */
  check(graph: GraphHead, input: JsonObject): void {
    if (graph.inputSchema === null) return;
    const errors = this.#checkOf(graph, graph.inputSchema)(input);
    if (errors === undefined) return;
    const faults = errors.slice(0, MAX_FAULTS).map((error) => {
      const at = error.instancePath === '' ? 'it' : error.instancePath;
      return `${at} ${error.message ?? 'is not allowed'}`;
    });
    throw new InputInvalid(`${faults.join('; ')}. \`muster graphs --json\` shows what "${graph.name}" takes.`, {
      graph: graph.name,
    });
  }

  #checkOf({ id, name }: GraphHead, schema: JsonObject): InputCheck {
    const known = this.#checks.get(id);
    if (known !== undefined) return known;
    if (this.#checks.size >= MAX_CHECKS) this.#checks.clear();
    const check = compileInputSchema({ graph: name, schema });
    this.#checks.set(id, check);
    return check;
  }
}

/** The input as its JSON: from here on nothing else is looked at. @throws InputInvalid naming the place of what is none */
export function asInput(value: unknown): JsonObject {
  if (!isJsonObject(value)) {
    throw new InputInvalid(
      `expected a JSON object, found ${value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value}.`,
    );
  }
  const json = toJson(value);
  if (!json.ok) {
    const at = json.path === '' ? 'it' : json.path;
    throw new InputInvalid(`${at} must be what JSON and PostgreSQL can keep, found ${json.found}.`);
  }
  if (isJsonObject(json.value)) return json.value;
  throw new InputInvalid('expected a JSON object, found a value that writes itself as something else.');
}
