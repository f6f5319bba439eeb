import type { Condition, ConditionNode } from '../definition.ts';
import { readCondition } from '../read-mapping.ts';
import { evaluateCondition } from '../read-source.ts';
import { note, type Place } from '../read-unknown.ts';
import type { KindRules } from './kind-rules.ts';

/** A condition decides which branch is taken. */
export const condition: KindRules<ConditionNode> = {
  property: 'condition',
  written: [],
  objective: 'Decides which branch is taken.',
  brings: () => ({}),
  build: (spec) => ({ condition: spec.condition ?? { any: [] } }),
  fields: ['condition'],
  parse: (field) => ({ condition: readPredicate(...field('condition')) }),
  drive: () => 'inline',
  readers: (node) => ({ condition: node.condition }),
  plan: { condition: null },
  decides: true,
  evaluate: (node, document) => {
    const holds = evaluateCondition(node.condition, document);
    return { ok: true, output: holds, outcome: holds ? 'true' : 'false' };
  },
};

function readPredicate(value: unknown, place: Place): Condition {
  if (value !== null) return readCondition(value, place);
  note(place, 'condition_missing', 'A condition needs something to decide by, found null.');
  return { any: [] };
}
