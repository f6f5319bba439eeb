import type { Json } from '../../json.ts';
import type { Comparison, Condition, InputMapping } from '../definition.ts';
import { readPointer } from '../json-pointer.ts';
import type { Outcome } from '../kinds.ts';
import { evaluateCondition, type GraphDocument, readInput } from '../read-source.ts';

/**
 * The output of a run that is still to come: every pointer into it finds something, of which nothing is known. It stands in
 * documents only as long as a proof lasts, and is never stored.
 */
export const ANYTHING: Json = new Proxy<Record<string, Json>>(
  {},
  {
    get: (_, name) => (typeof name === 'string' && name !== 'toJSON' ? ANYTHING : undefined),
    getOwnPropertyDescriptor: (_, name) => {
      return typeof name === 'string' ? { value: ANYTHING, configurable: true, enumerable: true } : undefined;
    },
  },
);

/** Whether a value holds anything that is not known. */
export function isUnknown(value: Json | undefined): boolean {
  if (value === ANYTHING) return true;
  return typeof value === 'object' && value !== null && Object.values(value).some(isUnknown);
}

/** The pointer of the first required source that finds nothing; null where there is none. */
export function missingIn(readers: readonly (InputMapping | Condition)[], document: GraphDocument): string | null {
  for (const reader of readers) {
    const read = 'whole' in reader || 'fields' in reader ? readInput(reader, document) : null;
    if (read?.ok === false) return read.pointer;
  }
  return null;
}

/** How a condition may be decided. Comparisons of what is not known may go either way, each for itself. */
export function outcomesOf(condition: Condition, document: Json): readonly Outcome[] {
  const [canHold, canFail] = possible(condition, document);
  return [...(canHold ? (['true'] as const) : []), ...(canFail ? (['false'] as const) : [])];
}

/** The comparisons that look at all that a value holds. */
const WHOLE: readonly Comparison[] = ['equals', 'notEquals', 'contains'];

function possible(condition: Condition, document: Json): readonly [canHold: boolean, canFail: boolean] {
  if ('not' in condition) return possible(condition.not, document).toReversed() as [boolean, boolean];
  if ('all' in condition) return combined(condition.all, document);
  if ('any' in condition) {
    const [canFail, canHold] = combined(
      condition.any.map((not) => ({ not })),
      document,
    );
    return [canHold, canFail];
  }
  const { pointer, is } = condition;
  const found = readPointer(document, pointer);
  // A value is there, whatever it may be, unless nothing is known of what holds it.
  const isThere = is === 'exists' && readPointer(document, pointer.slice(0, pointer.lastIndexOf('/'))) !== ANYTHING;
  if (!isThere && (found === ANYTHING || (WHOLE.includes(is) && isUnknown(found)))) return [true, true];
  const holds = evaluateCondition(condition, document);
  return [holds, !holds];
}

/** All hold, or one fails. */
function combined(parts: readonly Condition[], document: Json): readonly [canHold: boolean, canFail: boolean] {
  const each = parts.map((part) => possible(part, document));
  return [each.every(([canHold]) => canHold), each.some(([, canFail]) => canFail)];
}
