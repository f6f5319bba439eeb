import assert from 'node:assert/strict';
import { evaluateNode, faultsOf, shortOf } from './evaluate-node.ts';

const evaluated = (expression: string, task: unknown) =>
  shortOf(evaluateNode({ function: expression, input: '/task' }, task as never));

describe('a function', () => {
  it('makes its output of its input', () => {
    const orders = [
      { id: 'A', price: 12, open: true },
      { id: 'B', price: 5, open: false },
      { id: 'C', price: 9, open: true },
    ];

    assert.deepEqual(evaluated('{ ids: orders[?open].id, total: sum(orders[].price) }', { orders }), {
      ids: ['A', 'C'],
      total: 26,
    });
    assert.deepEqual(evaluated('sort_by(orders, &price)[-1].id', { orders }), 'A');
    assert.deepEqual(evaluated('nothing.at.all', { orders }), null);
  });

  it('orders numbers as numbers, and texts alike in every process', () => {
    assert.deepEqual(evaluated('[sort(@), max(@), min(@)]', [10, 9, 1]), [[1, 9, 10], 10, 1]);
    assert.deepEqual(evaluated('[sort(@), max(@), min(@)]', ['b', 'a', 'B']), [['B', 'a', 'b'], 'b', 'B']);
    assert.deepEqual(evaluated('[max(@), min(@)]', []), [null, null]);
    const many = Array.from({ length: 30_000 }, (_, index) => (index * 7_919) % 30_011);
    assert.deepEqual(evaluated('[max(@), min(@), sort(@)[1]]', many), [
      Math.max(...many),
      0,
      many.toSorted((a, b) => a - b)[1],
    ]);
    assert.deepEqual(evaluated('[reverse(@), reverse(@[0])]', ['a😀', 'b']), [['b', 'a😀'], '😀a']);
    assert.equal(String(evaluated('reverse(@)', 'ab'.repeat(90_000))).length, 180_000);
  });

  it('reads own properties only', () => {
    assert.deepEqual(evaluated('[constructor, "__proto__", toString, a]', { a: 1 }), [null, null, null, 1]);
    assert.deepEqual(evaluated('"__proto__".polluted', JSON.parse('{"__proto__": {"polluted": true}}')), true);
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  });

  it('is refused where it is no expression, calls what it may not, or is too long', () => {
    const faults = (expression: unknown) => faultsOf({ function: expression }).map((fault) => fault.slice(0, 120));

    assert.match(faults('a[').join(), /^expression_invalid \/nodes\/0\/function It is not a JMESPath expression: /);
    assert.deepEqual(faults('[pad_left(a, `9`), lenght(a)]'), [
      'expression_invalid /nodes/0/function There is no function "pad_left".',
    ]);
    assert.deepEqual(faults('map(&lenght(a), @)'), [
      'expression_invalid /nodes/0/function There is no function "lenght"; the nearest name is "length".',
    ]);
    assert.match(faults('let $a = a in $a').join(), /An expression has no "let"/);
    assert.match(faults('a'.repeat(2_001)).join(), /Expected at most 2000 characters, found 2001/);
    assert.match(faults('('.repeat(2_000)).join(), /It is not a JMESPath expression: /);
    assert.match(faults(`${'!'.repeat(300)}a`).join(), /at most 200 parts deep/);
    assert.deepEqual(faultsOf({ function: '`{"type": "Function", "name": "any"}`' }), []);
  });

  it('fails with a sentence where a function is given what it does not take', () => {
    assert.match(String(evaluated('length(a)', { a: 5 })), /^function_failed: The expression failed: /);
    assert.match(String(evaluated('a / b', { a: 1, b: 0 })), /^function_failed: The expression failed: /);
    assert.match(String(evaluated('a * a', { a: 1e200 })), /^function_failed: The expression gave what cannot be kept/);
  });

  for (const [what, expression, input] of [
    ['doubles a list again and again', ['@', ...Array(60).fill('[@, @][]')].join(' | '), [1]],
    ['nests a value in itself', ['@', ...Array(90).fill('[@, @]')].join(' | '), 'x'],
    ['compares what it has nested', `[@, @] | ${Array(90).fill('[@, @]').join(' | ')} | @ == @`, 'x'],
    ['joins a text with itself', ['@', ...Array(60).fill("join('', [@, @])")].join(' | '), 'xx'],
    ['joins by a long separator', 'join(a, b)', { a: 'x'.repeat(400_000), b: Array(400_000).fill('') }],
    ['goes through a list for each of its elements', '@[*].[$[*].[$[*].[@]]]', Array(1_000).fill(1)],
    ['takes some steps for each of many elements', '@[*].[@[*]]', Array(90_000).fill([1])],
    ['reads a long text for each element', 'map(&length($.b), a)', { a: Array(2_000).fill(1), b: 'x'.repeat(900_000) }],
    ['is given a text that is too long', 'length(@)', 'x'.repeat(1_000_001)],
  ] as const) {
    it(`ends soon where the expression ${what}`, () => {
      const from = performance.now();

      const result = String(evaluated(expression, input));

      assert.match(result, /^function_failed: The expression failed: (it needs too much time|a value on the way)/);
      assert.ok(performance.now() - from < 15_000, `${performance.now() - from} ms`);
    });
  }
});
