import {
  compile,
  TreeInterpreter,
  TYPE_ARRAY,
  TYPE_ARRAY_NUMBER,
  TYPE_ARRAY_STRING,
  TYPE_STRING,
} from '@jmespath-community/jmespath';
import { errorClause } from '../../errors.ts';
import { isJsonObject, type Json, notJson, toJson } from '../../json.ts';
import { nearestName } from '../../nearest-name.ts';

/** A parsed expression, or a part of one. */
type Expression = ReturnType<typeof compile>;
type Value = Parameters<typeof TreeInterpreter.visit>[1];

const MAX_EXPRESSION = 2_000;
/** How deep its parts may be nested: the interpreter recurses, and must not exhaust the stack. */
const MAX_DEPTH = 200;
/** The largest value on the way: its characters and its elements together. */
const MAX_WEIGHT = 1_000_000;
/**
 * What one evaluation may cost: its steps, the elements of what it makes, and the weight of what functions and comparisons
 * read. The dearest steps take about 200 ms then, in which the worker does nothing else.
 */
const MAX_COST = 400_000;

/** Functions that an expression may call, with how often they go through what they are given. */
const FUNCTIONS: Readonly<Record<string, number>> = {
  ...{ abs: 1, avg: 1, ceil: 1, contains: 1, ends_with: 1, floor: 1, from_items: 1, items: 1, join: 1, keys: 1 },
  ...{ length: 1, lower: 1, map: 1, max: 1, max_by: 1, merge: 1, min: 1, min_by: 1, not_null: 1, reverse: 1 },
  ...{ sort: 5, sort_by: 5, split: 1, starts_with: 1, sum: 1, to_array: 1, to_number: 1, to_string: 1, type: 1 },
  ...{ upper: 1, values: 1, zip: 1 },
};

/** What keeps a text from being an expression, as a sentence; null for one that is. */
export function expressionFault(expression: string): string | null {
  if (expression.length > MAX_EXPRESSION) {
    return `Expected at most ${MAX_EXPRESSION} characters, found ${expression.length}.`;
  }
  try {
    return refusedIn(compile(expression));
  } catch (error) {
    return `It is not a JMESPath expression: ${errorClause(error)}.`;
  }
}

/**
 * Evaluates an expression over a value. Gives the same for the same, ends, and uses no more than a bounded time and
 * memory; what would need more fails. Never throws.
 */
export function evaluateExpression(
  expression: string,
  input: Json,
): { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly message: string } {
  try {
    const result = toJson(new BoundedInterpreter().search(compile(expression), input) ?? null);
    return result.ok ? result : { ok: false, message: `The expression gave what cannot be kept: ${notJson(result)}` };
  } catch (error) {
    return { ok: false, message: `The expression failed: ${errorClause(error)}.` };
  }
}

/** The first part that is not allowed. */
function refusedIn(part: unknown, depth = 1): string | null {
  if (depth > MAX_DEPTH) return `An expression is at most ${MAX_DEPTH} parts deep.`;
  if (typeof part !== 'object' || part === null) return null;
  const { type, name } = part as { readonly type?: unknown; readonly name?: unknown };
  if (type === 'Literal') return null;
  // The library evaluates what is within by an interpreter of its own, which knows no bounds.
  if (type === 'LetExpression') return 'An expression has no "let"; give the value to the next node.';
  if (type === 'Function' && !Object.hasOwn(FUNCTIONS, String(name))) {
    const nearest = nearestName(String(name), Object.keys(FUNCTIONS));
    return `There is no function "${name}"${nearest === null ? '' : `; the nearest name is "${nearest}"`}.`;
  }
  for (const inner of Object.values(part)) {
    const refused = refusedIn(inner, depth + 1);
    if (refused !== null) return refused;
  }
  return null;
}

/**
 * The library's interpreter, which charges each step, weighs each value, and reads own properties only. The weight of a
 * value that occurs several times in another counts as often, since a comparison or a text of it would meet it so often.
 */
class BoundedInterpreter {
  // The library exports one instance and not its class.
  readonly #interpreter = new (TreeInterpreter.constructor as new () => typeof TreeInterpreter)();
  readonly #visit = this.#interpreter.visit.bind(this.#interpreter);
  readonly #cost = new Cost();

  constructor() {
    replaceFunctions(this.#interpreter);
    this.#interpreter.visit = (part, value) => this.#step(part, value);
  }

  search(expression: Expression, input: Json): unknown {
    return this.#interpreter.search(expression, input as never);
  }

  #step(part: Expression, value: Value): Value {
    this.#cost.spend(1);
    if (part.type === 'Field' && isJsonObject(value) && !Object.hasOwn(value, part.name)) return null;
    if (part.type === 'ExpressionReference') return this.#visit(part, value);
    const result = this.#visit(this.#withPaidArguments(part, value), value);
    this.#cost.weigh(result);
    return result;
  }

  #withPaidArguments(part: Expression, value: Value): Expression {
    const pay = (argument: Expression, times = 1) => this.#pay(argument, value, times);
    if (part.type === 'Comparator') return { ...part, left: pay(part.left), right: pay(part.right) };
    if (part.type !== 'Function') return part;
    const children = part.children.map((child) => pay(child, FUNCTIONS[part.name]));
    if (part.name === 'join') this.#cost.spend(joinedLength(children));
    return { ...part, children };
  }

  /** Evaluates an argument and charges its weight, as often as it is gone through. */
  #pay(part: Expression, value: Value, times: number): Expression {
    if (part.type === 'ExpressionReference') return part;
    const argument = this.#step(part, value);
    this.#cost.spend(this.#cost.weigh(argument) * times);
    return { type: 'Literal', value: argument as never };
  }
}

/** How many characters the separators of a joined text have. */
function joinedLength([separator, list]: readonly Expression[]): number {
  const [text, items] = [separator, list].map((part) => (part?.type === 'Literal' ? part.value : null));
  return typeof text === 'string' && Array.isArray(items) ? text.length * items.length : 0;
}

/** What an evaluation has cost so far. */
class Cost {
  #left = MAX_COST;
  readonly #weights = new WeakMap<object, number>();

  spend(cost: number): void {
    this.#left -= cost;
    if (this.#left < 0) throw new Error('it needs too much time for this input');
  }

  weigh(value: unknown): number {
    const weight = this.#weigh(value);
    if (weight > MAX_WEIGHT) throw new Error(`a value on the way has more than ${MAX_WEIGHT} characters and elements`);
    return weight;
  }

  #weigh(value: unknown): number {
    if (typeof value === 'string') return value.length;
    if (typeof value !== 'object' || value === null) return 1;
    const known = this.#weights.get(value);
    if (known !== undefined) return known;
    const items: readonly unknown[] = Array.isArray(value) ? value : Object.entries(value).flat();
    this.spend(items.length);
    const weight = items.reduce<number>((sum, item) => sum + this.#weigh(item), 1);
    this.#weights.set(value, weight);
    return weight;
  }
}

/** Numbers, or texts. */
type Ordered = readonly (number | string)[];

/**
 * The library sorts numbers as texts, finds the largest text by the language of the process, and exhausts the stack of some
 * processes by reversing a long text.
 */
function replaceFunctions({ runtime }: typeof TreeInterpreter): void {
  const replace = <Given>(name: string, types: readonly number[], make: (given: Given) => unknown) =>
    runtime.registerFunction(name, ([given]) => make(given as Given) as never, [{ types: [...types] }], {
      override: true,
    });
  const ordered = [TYPE_ARRAY_NUMBER, TYPE_ARRAY_STRING];
  replace('sort', ordered, (list: Ordered) => list.toSorted((one, other) => (one < other ? -1 : Number(one > other))));
  replace('min', ordered, (list: Ordered) => list.reduce(least, list[0] ?? null));
  replace('max', ordered, (list: Ordered) => list.reduce(greatest, list[0] ?? null));
  replace('reverse', [TYPE_ARRAY, TYPE_STRING], (given: string | readonly unknown[]) =>
    typeof given === 'string' ? [...given].reverse().join('') : given.toReversed(),
  );
}

type Extreme = Ordered[number] | null;

function least(one: Extreme, other: Ordered[number]): Extreme {
  return one === null || other < one ? other : one;
}

function greatest(one: Extreme, other: Ordered[number]): Extreme {
  return one === null || other > one ? other : one;
}
