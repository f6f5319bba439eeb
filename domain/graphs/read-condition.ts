import { COMPARISONS, type Comparison, type Condition } from './definition.ts';
import { readPointerText } from './read-mapping.ts';
import { at, nameOf, note, type Place, readJson, readList, readObject, readWord } from './read-unknown.ts';

/** How deep `all`, `any` and `not` may be nested. */
export const MAX_CONDITION_DEPTH = 16;

const NEVER: Condition = { any: [] };

/** Reads a pointer, and notes what is wrong with it. */
type ReadPointer = (value: unknown, place: Place) => string;

/** Reads a condition over the document of a graph, or over another one whose pointers `pointer` reads. */
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

/** What a comparison wants as its value; null where it has that. */
function misfit(is: Comparison, value: unknown): string | null {
  if (is === 'truthy') return value === undefined ? null : 'no value';
  if (is === 'exists') return value === undefined || typeof value === 'boolean' ? null : 'true, false or no value';
  if (is === 'equals' || is === 'notEquals' || is === 'contains') return value === undefined ? 'a value' : null;
  return typeof value === 'number' || typeof value === 'string' ? null : 'a number or a text';
}
