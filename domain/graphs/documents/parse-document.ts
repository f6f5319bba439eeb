import { errorClause } from '../../errors.ts';
import { formatPointer, isJsonObject, type JsonObject, toJson } from '../../json.ts';
import type { GraphFault } from '../graph-faults.ts';
import { nameOf } from '../read-unknown.ts';

/** The longest document, in characters. A graph of 200 nodes has less than half of it. */
export const MAX_DOCUMENT_LENGTH = 250_000;

/** A graph of a document, as it is written there. */
export interface WrittenGraph {
  readonly value: JsonObject;
  /** Adds to a fault, whose path leads into the graph, where it stands in the document. */
  place(fault: GraphFault, path: readonly string[]): GraphFault;
}

/** What a text says, or everything that is wrong with it. */
export type ParsedDocument =
  | { readonly ok: true; readonly graphs: readonly WrittenGraph[] }
  | { readonly ok: false; readonly faults: readonly GraphFault[] };

/** Reads graphs from JSON: one, or a list of them. Nothing is checked yet but that they are objects of JSON. */
export function parseDocument(text: string): ParsedDocument {
  if (text.length > MAX_DOCUMENT_LENGTH) {
    return refused([fault(`Expected at most ${MAX_DOCUMENT_LENGTH} characters, found ${text.length}.`)]);
  }
  try {
    return graphsOf(JSON.parse(text));
  } catch (error) {
    return refused([fault(`${errorClause(error)}.`)]);
  }
}

function graphsOf(value: unknown): ParsedDocument {
  const json = toJson(value);
  if (!json.ok) return refused([{ ...fault(`Expected JSON, found ${json.found}.`), path: json.path }]);
  const graphs = Array.isArray(json.value) ? json.value : [json.value];
  const other = graphs.find((graph) => !isJsonObject(graph));
  if (other !== undefined || graphs.length === 0) {
    return refused([fault(`Expected a graph with "name" and "components", found ${nameOf(other)}.`)]);
  }
  const place = (index: number) => (found: GraphFault, path: readonly string[]) => {
    return { ...found, path: formatPointer([...(Array.isArray(json.value) ? [index] : []), ...path]) };
  };
  return { ok: true, graphs: graphs.map((graph, index) => ({ value: graph, place: place(index) })) };
}

function fault(message: string): GraphFault {
  return { code: 'malformed', path: '', message };
}

function refused(faults: readonly GraphFault[]): ParsedDocument {
  return { ok: false, faults };
}
