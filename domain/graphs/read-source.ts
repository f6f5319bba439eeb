import { isJsonObject, type Json } from '../json.ts';
import type { Comparison, Condition, InputMapping, InputSource } from './definition.ts';
import { parsePointer, readPointer } from './json-pointer.ts';

/** The document that pointers read: the task's input, and the outputs of the nodes that ended `ok`, by node id. */
export type GraphDocument = { readonly task: Json; readonly nodes: { readonly [nodeId: string]: Json } };

/**
 * Collects a node's input or the task's output. If a required source finds nothing, returns its pointer (of the first
 * such source in the mapping's order).
 */
export function readInput(
  mapping: InputMapping,
  document: GraphDocument,
): { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly pointer: string } {
  if ('whole' in mapping) return readSource(mapping.whole, document);
  const fields: [string, Json][] = [];
  for (const [name, source] of Object.entries(mapping.fields)) {
    const read = readSource(source, document);
    if (!read.ok) return read;
    fields.push([name, read.value]);
  }
  return { ok: true, value: Object.fromEntries(fields) };
}

function readSource(source: InputSource, document: GraphDocument): ReturnType<typeof readInput> {
  if ('value' in source) return { ok: true, value: source.value };
  const pointers = pointersOf(source);
  for (const pointer of pointers) {
    const value = readPointer(document, pointer);
    if (value !== undefined) return { ok: true, value };
  }
  return source.optional === true ? { ok: true, value: null } : { ok: false, pointer: pointers.join(' or ') };
}

/**
 * The ids of the nodes whose outputs a mapping or a condition reads, each once, in order of appearance: all that has
 * to be loaded before {@link readInput} or {@link evaluateCondition}.
 */
export function nodesRead(reader: InputMapping | Condition): readonly string[] {
  const ids = pointersRead(reader).map(nodeOfPointer);
  return [...new Set(ids.filter((id) => id !== null))];
}

/** The pointers of a mapping or a condition, in order of appearance. */
export function pointersRead(reader: InputMapping | Condition): readonly string[] {
  if ('whole' in reader) return pointersOf(reader.whole);
  if ('fields' in reader) return Object.values(reader.fields).flatMap(pointersOf);
  return comparisonsOf(reader).map((comparison) => comparison.pointer);
}

/** The pointers of a source, in the order in which it looks for a value. */
export function pointersOf(source: InputSource): readonly string[] {
  if ('first' in source) return source.first;
  return 'pointer' in source ? [source.pointer] : [];
}

/** The node that a pointer reads; null for the task's input and for invalid pointers. */
export function nodeOfPointer(pointer: string): string | null {
  const [root, id] = parsePointer(pointer) ?? [];
  return root === 'nodes' && id !== undefined ? id : null;
}

/** A leaf of a condition: one comparison of one value. */
export type ComparisonOf = Extract<Condition, { readonly pointer: string }>;

/** All comparisons of a condition, left to right. */
export function comparisonsOf(condition: Condition): readonly ComparisonOf[] {
  if ('all' in condition) return condition.all.flatMap(comparisonsOf);
  if ('any' in condition) return condition.any.flatMap(comparisonsOf);
  if ('not' in condition) return comparisonsOf(condition.not);
  return [condition];
}

/**
 * Decides a condition. Never fails: a comparison of incomparable values (a number with a text) is false, and so is
 * every comparison of a missing value, except `exists` with `value: false`.
 */
export function evaluateCondition(condition: Condition, document: Json): boolean {
  if ('all' in condition) return condition.all.every((part) => evaluateCondition(part, document));
  if ('any' in condition) return condition.any.some((part) => evaluateCondition(part, document));
  if ('not' in condition) return !evaluateCondition(condition.not, document);
  const found = readPointer(document, condition.pointer);
  if (condition.is === 'exists') return (found !== undefined) === (condition.value ?? true);
  return found !== undefined && COMPARE[condition.is](found, condition.value ?? null);
}

const COMPARE: Record<Exclude<Comparison, 'exists'>, (found: Json, wanted: Json) => boolean> = {
  equals: equalJson,
  notEquals: (found, wanted) => !equalJson(found, wanted),
  lt: (found, wanted) => inOrder(found, wanted, (order) => order < 0),
  lte: (found, wanted) => inOrder(found, wanted, (order) => order <= 0),
  gt: (found, wanted) => inOrder(found, wanted, (order) => order > 0),
  gte: (found, wanted) => inOrder(found, wanted, (order) => order >= 0),
  contains: (found, wanted) => {
    if (typeof found === 'string') return typeof wanted === 'string' && found.includes(wanted);
    return isArray(found) && found.some((item) => equalJson(item, wanted));
  },
  truthy: (found) => Boolean(found),
};

function inOrder(found: Json, wanted: Json, holds: (order: number) => boolean): boolean {
  if (typeof found === 'number' && typeof wanted === 'number') return holds(found - wanted);
  if (typeof found !== 'string' || typeof wanted !== 'string') return false;
  if (found === wanted) return holds(0);
  return holds(found < wanted ? -1 : 1);
}

/** Whether two JSON values are equal, regardless of the order of an object's properties. */
function equalJson(one: Json, other: Json): boolean {
  if (one === other) return true;
  if (isArray(one)) return isArray(other) && equalArrays(one, other);
  return isJsonObject(one) && isJsonObject(other) && equalObjects(one, other);
}

function equalArrays(one: readonly Json[], other: readonly Json[]): boolean {
  return one.length === other.length && one.every((item, index) => equalJson(item, other[index] ?? null));
}

function equalObjects(one: { readonly [key: string]: Json }, other: { readonly [key: string]: Json }): boolean {
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  return keys.every((key) => Object.hasOwn(other, key) && equalJson(one[key] ?? null, other[key] ?? null));
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
