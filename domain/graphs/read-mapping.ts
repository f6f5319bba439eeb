import { COMPARISONS, type Comparison, type Condition, type InputMapping, type InputSource } from './definition.ts';
import { parsePointer } from './json-pointer.ts';
import {
  at,
  nameOf,
  note,
  type Place,
  readBoolean,
  readJson,
  readList,
  readObject,
  readRecord,
  readWord,
} from './read-unknown.ts';

const NOTHING: InputMapping = { fields: {} };

export function readMapping(value: unknown, place: Place): InputMapping {
  if (value === undefined) return NOTHING;
  const mapping = readObject(value, place, { required: [], optional: ['fields', 'whole'] });
  if (mapping === null) return NOTHING;
  if (Object.hasOwn(mapping, 'fields') === Object.hasOwn(mapping, 'whole')) {
    note(place, 'malformed', 'Expected either "fields" or "whole", found both or neither.');
    return NOTHING;
  }
  if (Object.hasOwn(mapping, 'whole')) return { whole: readSource(mapping.whole, at(place, 'whole')) };
  return { fields: readRecord(mapping.fields, at(place, 'fields'), readSource) };
}

export function readSource(value: unknown, place: Place): InputSource {
  const source = readObject(value, place, { required: [], optional: ['pointer', 'first', 'optional', 'value'] });
  if (source === null) return { value: null };
  if (Object.hasOwn(source, 'value') && Object.keys(source).length === 1) {
    return { value: readJson(source.value, at(place, 'value')) };
  }
  if (Object.hasOwn(source, 'pointer') === Object.hasOwn(source, 'first') || Object.hasOwn(source, 'value')) {
    note(
      place,
      'malformed',
      'Expected a "pointer" or a list of them as "first", which may be "optional", or a "value".',
    );
    return { value: null };
  }
  const read = Object.hasOwn(source, 'first')
    ? { first: readFirst(source.first, at(place, 'first')) }
    : { pointer: readPointerText(source.pointer, at(place, 'pointer')) };
  if (source.optional === undefined) return read;
  return { ...read, optional: readBoolean(source.optional, at(place, 'optional')) };
}

/** How many pointers one source may try. */
const MAX_FIRST = 16;

function readFirst(value: unknown, place: Place): readonly string[] {
  const first = readList(value, place, readPointerText);
  if (Array.isArray(value) && (value.length < 2 || value.length > MAX_FIRST)) {
    note(place, 'malformed', `Expected 2 to ${MAX_FIRST} pointers, found ${value.length}.`);
  }
  return first;
}

/** Reads a pointer into the document of a graph. */
function readPointerText(value: unknown, place: Place): string {
  const [root, id] = (typeof value === 'string' ? parsePointer(value) : null) ?? [];
  if (root === 'task' || (root === 'nodes' && id !== undefined)) return String(value);
  const expected = 'Expected a JSON Pointer that begins with /task or with /nodes/ and a node id';
  note(place, 'pointer_malformed', `${expected}, found ${nameOf(value)}.`);
  return '/task';
}

/** How deep `all`, `any` and `not` may be nested. */
const MAX_CONDITION_DEPTH = 16;

const NEVER: Condition = { any: [] };

/** Reads a pointer and notes its faults. */
type ReadPointer = (value: unknown, place: Place) => string;

/** Reads a condition over the document of a graph, or over another document whose pointers `pointer` reads. */
export function readCondition(value: unknown, place: Place, pointer: ReadPointer = readPointerText): Condition {
  return readPart(value, place, { pointer, depth: 1 });
}

interface PartContext {
  readonly pointer: ReadPointer;
  readonly depth: number;
}

function readPart(value: unknown, place: Place, context: PartContext): Condition {
  const { depth } = context;
  const deeper = { ...context, depth: depth + 1 };
  if (depth > MAX_CONDITION_DEPTH) {
    note(place, 'malformed', `Expected a condition at most ${MAX_CONDITION_DEPTH} deep, found a deeper one.`);
    return NEVER;
  }
  const keys = ['pointer', 'is', 'value', 'all', 'any', 'not'];
  const condition = readObject(value, place, { required: [], optional: keys });
  if (condition === null) return NEVER;
  const [kind, ...others] = ['pointer', 'all', 'any', 'not'].filter((key) => Object.hasOwn(condition, key));
  if (kind === undefined || others.length > 0 || (kind !== 'pointer' && Object.keys(condition).length > 1)) {
    note(place, 'malformed', 'Expected exactly one of "pointer" with "is", "all", "any" and "not".');
    return NEVER;
  }
  if (kind === 'pointer') return readComparison(condition, place, context);
  if (kind === 'not') return { not: readPart(condition.not, at(place, 'not'), deeper) };
  const parts = readList(condition[kind], at(place, kind), (part, where) => readPart(part, where, deeper));
  if (parts.length === 0) note(at(place, kind), 'malformed', 'Expected at least one condition, found none.');
  return kind === 'all' ? { all: parts } : { any: parts };
}

function readComparison(leaf: Readonly<Record<string, unknown>>, place: Place, context: PartContext): Condition {
  const pointer = context.pointer(leaf.pointer, at(place, 'pointer'));
  if (leaf.is === undefined) note(at(place, 'is'), 'malformed', 'Expected a comparison, found nothing.');
  const is = readWord(leaf.is, at(place, 'is'), COMPARISONS);
  const expected = leaf.is === is ? misfit(is, leaf.value) : null;
  if (expected !== null) {
    note(at(place, 'value'), 'comparison_value', `Expected ${expected} for "${is}", found ${nameOf(leaf.value)}.`);
  }
  return leaf.value === undefined ? { pointer, is } : { pointer, is, value: readJson(leaf.value, at(place, 'value')) };
}

/** What value a comparison expects; null if the given one fits. */
function misfit(is: Comparison, value: unknown): string | null {
  if (is === 'truthy') return value === undefined ? null : 'no value';
  if (is === 'exists') return value === undefined || typeof value === 'boolean' ? null : 'true, false or no value';
  if (is === 'equals' || is === 'notEquals' || is === 'contains') return value === undefined ? 'a value' : null;
  return typeof value === 'number' || typeof value === 'string' ? null : 'a number or a text';
}
