import { LRUCache } from 'lru-cache';
import type { GraphId } from '../../domain/ids.ts';
import { isJsonObject, type JsonObject, toJson } from '../../domain/json.ts';
import type { GraphHead } from '../../entities/graphs/statements/graph-heads.ts';
import { compileInputSchema, type InputCheck, type InputSchema, inputFaults } from '../graphs/input-schemas.ts';
import { InputInvalid } from '../operation-errors.ts';

const MAX_CHECKS = 100;

/**
 * Checks inputs against the input schemas of published graphs. A schema is compiled once; a published graph never
 * changes.
 */
export class InputChecker {
  readonly #checks = new LRUCache<GraphId, InputCheck, InputSchema>({
    max: MAX_CHECKS,
    memoMethod: (_id, _stale, { context }) => compileInputSchema(context),
  });

  /**
   * @throws InputInvalid naming each fault with its path; GraphInvalid for a graph of an older version whose schema
   * cannot check anything
   */
  check(graph: GraphHead, input: JsonObject): void {
    const { id, name, inputSchema: schema } = graph;
    if (schema === null) return;
    const faults = inputFaults(this.#checks.memo(id, { context: { graph: name, schema } }), input);
    if (faults === null) return;
    throw new InputInvalid(`${faults}. \`muster graphs --json\` shows what "${name}" takes.`, { graph: name });
  }
}

/**
 * The input as its JSON, `{}` for none. Nothing reads the given value afterwards.
 * @throws InputInvalid naming the place of what is not JSON
 */
export function asInput(value: unknown = {}): JsonObject {
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
