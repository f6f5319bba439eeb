import { formatPointer, isJsonObject, type JsonObject } from '../../json.ts';
import { parsePointer } from '../json-pointer.ts';

/** What a definition has, and a document calls otherwise. */
const RENAMED: Readonly<Record<string, string>> = { inputSchema: 'input', documentProperty: 'document' };

/** Steps into a definition that a document has no word for: the next one is within the same value. */
const SILENT: readonly string[] = ['fields', 'whole', 'pointer'];

const CONTAINS = ['graph', 'each', 'repeat'] as const;

/** Turns the place of a fault in a definition into that in the document that says the same, as far as it is there. */
export function pathInDocument(path: string, graph: JsonObject): string {
  return formatPointer(tokensIn(parsePointer(path) ?? [], graph));
}

function tokensIn([first = '', second = '', ...rest]: readonly string[], graph: unknown): readonly string[] {
  if (!isJsonObject(graph)) return [];
  if (first !== 'nodes') return follow([RENAMED[first] ?? first, second, ...rest], graph);
  const components = isJsonObject(graph.components ?? null) ? (graph.components as JsonObject) : {};
  const id = Object.keys(components)[Number(second)];
  if (id === undefined) return ['components'];
  const component = components[id];
  const container = CONTAINS.find((property) => isJsonObject(component) && Object.hasOwn(component, property));
  if (rest[0] !== 'graph' || container === undefined) return ['components', id, ...follow(rest, component)];
  return ['components', id, container, ...tokensIn(rest.slice(1), (component as JsonObject)[container])];
}

function follow([token, ...rest]: readonly string[], value: unknown): readonly string[] {
  if (token === undefined) return [];
  if (typeof value === 'object' && value !== null && Object.hasOwn(value, token)) {
    return [token, ...follow(rest, (value as Readonly<Record<string, unknown>>)[token])];
  }
  return SILENT.includes(token) ? follow(rest, value) : [];
}
