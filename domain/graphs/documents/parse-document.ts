import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type ParsedNode,
  parseAllDocuments,
  visit,
} from 'yaml';
import { errorClause } from '../../errors.ts';
import { formatPointer, isJsonObject, type Json, type JsonObject, toJson } from '../../json.ts';
import type { GraphFault } from '../graph-faults.ts';
import { parsePointer } from '../json-pointer.ts';
import { nameOf } from '../read-unknown.ts';
import { sizeFaults } from './graph-size.ts';

/** The longest document, in characters. A graph of 200 nodes has less than half of it. */
export const MAX_DOCUMENT_LENGTH = 250_000;

/** How often an anchor may be used: a document that is read is at most so many times as long as it is written. */
const MAX_ALIASES = 10;

/** How many faults of a text that is no YAML, or says no graphs, are told: most follow from the first. */
const MAX_SYNTAX_FAULTS = 10;

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

/**
 * Reads graphs from YAML 1.2 or JSON: one, a list of them, or several YAML documents. Nothing is checked yet but that they
 * are objects of JSON and not too large to be checked; names occur once, tags and merged keys are refused.
 */
export function parseDocument(text: string): ParsedDocument {
  if (text.length > MAX_DOCUMENT_LENGTH) {
    return refused([fault(`Expected at most ${MAX_DOCUMENT_LENGTH} characters, found ${text.length}.`, 1)]);
  }
  const lines = new LineCounter();
  // The library compares each key with every other; see repeatedNames.
  const options = {
    lineCounter: lines,
    schema: 'core',
    stringKeys: true,
    prettyErrors: false,
    uniqueKeys: false,
  } as const;
  try {
    const documents = [...parseAllDocuments(text, { ...options, logLevel: 'silent' })];
    const faults = documents.flatMap((document) => [
      ...[...document.errors, ...document.warnings].map((error) => lineFault(sentenceOf(error), error.pos[0], lines)),
      ...repeatedNames(document as Document.Parsed, lines),
    ]);
    return faults.length > 0
      ? refused(faults.slice(0, MAX_SYNTAX_FAULTS))
      : graphsOf(documents as Document.Parsed[], lines);
  } catch (error) {
    // An anchor that is unknown, or used too often.
    return refused([fault(sentenceOf(error), 1)]);
  }
}

/** The second of two would silently replace the first. */
function repeatedNames(document: Document.Parsed, lines: LineCounter): readonly GraphFault[] {
  const faults: GraphFault[] = [];
  visit(document, {
    Map: (_, { items }) => {
      const names = new Set<unknown>();
      for (const { key } of items) {
        const name = isScalar(key) ? key.value : undefined;
        if (names.has(name)) {
          const message = `Expected each name once, found ${nameOf(name)} again.`;
          faults.push(lineFault(message, (key as ParsedNode).range[0], lines));
        }
        names.add(name);
      }
    },
  });
  return faults;
}

/** A text that nests without an end exhausts the stack. */
function sentenceOf(error: unknown): string {
  const why = errorClause(error);
  return why.startsWith('Maximum call stack') ? 'It is nested too deep.' : `${why}.`;
}

function graphsOf(documents: readonly Document.Parsed[], lines: LineCounter): ParsedDocument {
  const read = documents.flatMap((document): (WrittenGraph | GraphFault)[] => {
    const json = toJson(document.toJS({ maxAliasCount: MAX_ALIASES }) ?? null);
    if (!json.ok) return [{ ...fault(`Expected JSON, found ${json.found}.`, 1), path: json.path }];
    // An empty document stands before a first "---", or behind a last one.
    if (json.value === null) return [];
    const values = Array.isArray(json.value) ? json.value.entries() : [[null, json.value] as const];
    return [...values].map(([index, value]) => {
      const start = index === null ? [] : [String(index)];
      const lineOf = (path: readonly string[]) => lineIn(document, [...start, ...path], lines);
      return graphOf(value, start, lineOf);
    });
  });
  if (read.length === 0) return refused([fault('Expected a graph, found nothing.', 1)]);
  const faults = read.filter((each) => 'code' in each);
  return faults.length > 0
    ? refused(faults.slice(0, MAX_SYNTAX_FAULTS))
    : { ok: true, graphs: read.filter((each) => 'value' in each) };
}

function graphOf(
  value: Json,
  start: readonly string[],
  lineOf: (path: readonly string[]) => number,
): WrittenGraph | GraphFault {
  const place = (found: GraphFault, path: readonly string[]) => {
    return { ...found, path: formatPointer([...start, ...path]), line: lineOf(path) };
  };
  if (!isJsonObject(value)) {
    return place(fault(`Expected a graph with "name" and "components", found ${nameOf(value)}.`, 1), []);
  }
  const [tooLarge] = sizeFaults(value);
  return tooLarge === undefined ? { value, place } : place(tooLarge, parsePointer(tooLarge.path) ?? []);
}

/** The line on which the last part of a path is named that is there. */
function lineIn(document: Document.Parsed, path: readonly string[], lines: LineCounter): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const token of path) {
    if (isAlias(node)) node = node.resolve(document);
    const pair = isMap(node) ? node.items.find(({ key }) => isScalar(key) && key.value === token) : undefined;
    const item = isSeq(node) ? node.items[Number(token)] : pair?.key;
    if (!isNode(item)) break;
    offset = item.range?.[0] ?? offset;
    node = pair?.value ?? item;
  }
  return lines.linePos(offset).line;
}

function fault(message: string, line: number): GraphFault {
  return { code: 'malformed', path: '', message, line };
}

function lineFault(message: string, offset: number, lines: LineCounter): GraphFault {
  return fault(message, lines.linePos(offset).line);
}

function refused(faults: readonly GraphFault[]): ParsedDocument {
  return { ok: false, faults };
}
