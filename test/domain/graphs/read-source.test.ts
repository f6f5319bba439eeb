import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Comparison, Condition } from '../../../domain/graphs/definition.ts';
import { parsePointer, readPointer } from '../../../domain/graphs/json-pointer.ts';
import { evaluateCondition, nodesRead, readInput } from '../../../domain/graphs/read-source.ts';
import { formatPointer, type Json } from '../../../domain/json.ts';

const DOCUMENT = {
  task: { text: 'hello', empty: '', none: null, list: ['a', { b: 2 }], 'a/b': 1, 'm~n': 2, '': 3 },
  nodes: { read: { score: 0.5, tags: ['x', 'y'], person: { name: 'Ada', age: 36 } } },
} as const;

describe('JSON pointers', () => {
  it('read properties, items and escaped names as RFC 6901 says', () => {
    const read = (pointer: string) => readPointer(DOCUMENT, pointer);

    assert.equal(read('/task/text'), 'hello');
    assert.equal(read('/task/list/1/b'), 2);
    assert.equal(read('/task/a~1b'), 1);
    assert.equal(read('/task/m~0n'), 2);
    assert.equal(read('/task/'), 3);
    assert.equal(read('/task/none'), null);
    assert.equal(read(''), DOCUMENT);
  });

  it('find nothing in prototypes, texts, or beside the items of a list', () => {
    for (const pointer of [
      '/task/constructor',
      '/task/__proto__',
      '/task/text/length',
      '/task/list/length',
      '/task/list/2',
      '/task/list/-',
      '/task/list/01',
      '/task/none/x',
      '/nodes/toString',
      'task',
      '/task/~',
    ]) {
      assert.equal(readPointer(DOCUMENT, pointer), undefined, pointer);
    }
  });

  it('come back from their tokens whatever these hold', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (tokens) => {
        assert.deepEqual(parsePointer(formatPointer(tokens)), tokens);
      }),
    );
  });

  it('find every value of any JSON at the path that leads to it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        for (const [path, found] of walk(value as Json)) {
          assert.deepEqual(readPointer(value as Json, formatPointer(path)), found);
        }
      }),
    );
  });
});

function walk(value: Json, path: readonly string[] = []): [readonly string[], Json][] {
  const children = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return [[path, value], ...children.flatMap(([key, child]) => walk(child as Json, [...path, key]))];
}

describe('readInput', () => {
  it('gathers fields from pointers and values', () => {
    const fields = { text: { pointer: '/task/text' }, score: { pointer: '/nodes/read/score' }, kind: { value: [1] } };

    assert.deepEqual(readInput({ fields }, DOCUMENT), { ok: true, value: { text: 'hello', score: 0.5, kind: [1] } });
  });

  it('takes one source whole', () => {
    assert.deepEqual(readInput({ whole: { pointer: '/nodes/read/tags' } }, DOCUMENT), { ok: true, value: ['x', 'y'] });
  });

  it('gives null for what is optional and not there, and names what is missing otherwise', () => {
    const optional = { pointer: '/nodes/gone/text', optional: true };
    const missing = { pointer: '/nodes/gone/text' };

    assert.deepEqual(readInput({ fields: { a: optional } }, DOCUMENT), { ok: true, value: { a: null } });
    assert.deepEqual(readInput({ fields: { a: optional, b: missing } }, DOCUMENT), {
      ok: false,
      pointer: '/nodes/gone/text',
    });
    assert.deepEqual(readInput({ whole: missing }, DOCUMENT), { ok: false, pointer: '/nodes/gone/text' });
  });

  it('passes a stored null on without taking it for missing', () => {
    assert.deepEqual(readInput({ fields: { a: { pointer: '/task/none' } } }, DOCUMENT), {
      ok: true,
      value: { a: null },
    });
  });

  it('makes a field named __proto__ a property like any other', () => {
    const fields = Object.fromEntries([['__proto__', { value: { admin: true } }]]);
    const read = readInput({ fields }, DOCUMENT);

    assert.ok(read.ok);
    assert.equal(Object.getPrototypeOf(read.value), Object.prototype);
  });
});

describe('nodesRead', () => {
  it('names each node once, of mappings and of conditions', () => {
    const fields = {
      a: { pointer: '/nodes/read/x' },
      b: { pointer: '/nodes/read/y', optional: true },
      c: { pointer: '/task/nodes/other' },
      d: { value: '/nodes/value' },
      e: { pointer: '/nodes/last' },
    };
    const condition: Condition = {
      any: [{ not: { pointer: '/nodes/one', is: 'exists' } }, { all: [{ pointer: '/nodes/two/x', is: 'truthy' }] }],
    };

    assert.deepEqual(nodesRead({ fields }), ['read', 'last']);
    assert.deepEqual(nodesRead({ whole: { pointer: '/nodes/read' } }), ['read']);
    assert.deepEqual(nodesRead(condition), ['one', 'two']);
  });
});

describe('evaluateCondition', () => {
  const holds = (pointer: string, is: Comparison, value?: Json) =>
    evaluateCondition(value === undefined ? { pointer, is } : { pointer, is, value }, DOCUMENT);

  it('compares numbers as numbers and texts by code unit, and nothing else', () => {
    assert.equal(holds('/nodes/read/score', 'lt', 0.82), true);
    assert.equal(holds('/nodes/read/score', 'gte', 0.5), true);
    assert.equal(holds('/nodes/read/score', 'gt', 0.5), false);
    assert.equal(holds('/task/text', 'gt', 'Zebra'), true);
    assert.equal(holds('/task/text', 'lte', 'hello'), true);
    assert.equal(holds('/nodes/read/score', 'lt', '9'), false);
    assert.equal(holds('/nodes/read/tags', 'gt', 0), false);
  });

  it('finds equal what is the same JSON, whatever the order of properties', () => {
    assert.equal(holds('/nodes/read/person', 'equals', { age: 36, name: 'Ada' }), true);
    assert.equal(holds('/nodes/read/person', 'equals', { name: 'Ada' }), false);
    assert.equal(holds('/nodes/read/tags', 'notEquals', ['y', 'x']), true);
    assert.equal(holds('/task/none', 'equals', null), true);
  });

  it('finds a text in a text and an item in a list', () => {
    assert.equal(holds('/task/text', 'contains', 'ell'), true);
    assert.equal(holds('/task/list', 'contains', { b: 2 }), true);
    assert.equal(holds('/nodes/read/tags', 'contains', 'z'), false);
    assert.equal(holds('/nodes/read/person', 'contains', 'name'), false);
  });

  it('takes a missing value for false in every comparison but exists', () => {
    for (const is of ['equals', 'notEquals', 'lt', 'lte', 'gt', 'gte', 'contains', 'truthy'] as const) {
      assert.equal(holds('/nodes/gone/x', is, is === 'truthy' ? undefined : 1), false, is);
    }
    assert.equal(holds('/nodes/gone/x', 'exists'), false);
    assert.equal(holds('/nodes/gone/x', 'exists', false), true);
    assert.equal(holds('/task/none', 'exists'), true);
  });

  it('takes null, false, 0 and the empty text for untrue', () => {
    assert.equal(holds('/task/text', 'truthy'), true);
    assert.equal(holds('/task/empty', 'truthy'), false);
    assert.equal(holds('/task/none', 'truthy'), false);
  });

  it('joins conditions by all, any and not', () => {
    const yes: Condition = { pointer: '/task', is: 'exists' };
    const no: Condition = { not: yes };

    assert.equal(evaluateCondition({ all: [yes, { any: [no, yes] }] }, DOCUMENT), true);
    assert.equal(evaluateCondition({ all: [yes, no] }, DOCUMENT), false);
    assert.equal(evaluateCondition({ any: [no, no] }, DOCUMENT), false);
  });
});
