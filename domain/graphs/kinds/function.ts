import { buildMapping } from '../build-mapping.ts';
import type { FunctionNode } from '../definition.ts';
import { readMapping } from '../read-mapping.ts';
import { note, type Place, readText } from '../read-unknown.ts';
import { evaluateExpression, expressionFault } from './jmespath.ts';
import type { KindRules } from './kind-rules.ts';
import { failed, inputOf, PURE } from './pure-node.ts';

/** A function makes its output of its input by an expression. */
export const functionKind: KindRules<FunctionNode> = {
  ...PURE,
  property: 'function',
  written: ['input'],
  objective: 'Makes a value of others.',
  build: (spec) => ({ function: spec.function ?? '', input: buildMapping(spec.input) }),
  fields: ['function', 'input'],
  parse: (field) => ({ function: readExpression(...field('function')), input: readMapping(...field('input')) }),
  plan: { input: { fields: {} }, function: '' },
  evaluate: (node, document) => {
    const input = inputOf(node, document);
    if (!input.ok) return input;
    const evaluated = evaluateExpression(node.function, input.value);
    return evaluated.ok ? { ok: true, output: evaluated.value } : failed('function_failed', evaluated.message);
  },
};

function readExpression(value: unknown, place: Place): string {
  const expression = readText(value, place);
  if (typeof value !== 'string') return expression;
  const fault = expressionFault(expression);
  if (fault !== null) note(place, 'expression_invalid', fault);
  return expression;
}
