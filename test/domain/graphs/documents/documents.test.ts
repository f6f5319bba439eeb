import assert from 'node:assert/strict';
import fc from 'fast-check';
import { z } from 'zod';
import { compileGraph } from '../../../../domain/graphs/documents/compile-graph.ts';
import { parseDocument } from '../../../../domain/graphs/documents/parse-document.ts';
import { type GraphFault, GraphInvalid } from '../../../../domain/graphs/graph-faults.ts';
import { rulesOf } from '../../../../domain/graphs/kinds/kind-table.ts';
import { NODE_KINDS } from '../../../../domain/graphs/kinds.ts';
import { defineAgent, defineGraph, defineTool } from '../../../../index.ts';

const BOOK = `
# A book in two steps.
name: book
description: Writes a book.
width: 2
input:
  type: object
  required: [topic]
  properties: { topic: { type: string } }
components:
  draft:
    agent: writer
    objective: Writes it.
    input: { topic: /task/topic, tone: { value: calm } }
    budget: { maxRetries: 0 }
  is-long:
    condition: { pointer: /nodes/draft/pages, is: gt, value: 100 }
  chapters:
    each:
      name: chapter
      components:
        improve: { agent: writer, input: /task/item }
      output: /nodes/improve
    items: /nodes/draft/chapters
    when: { is-long: true }
  print:
    tool: printer
    input: { text: { pointer: /nodes/chapters, optional: true } }
connections:
  - { from: draft, to: print }
output: { printed: /nodes/print }
`;

const writer = defineAgent({
  ...{ name: 'writer', quick: true, input: z.record(z.string(), z.json()), output: z.json() },
  handle: () => null,
});
const printer = defineTool({
  ...{ name: 'printer', input: z.record(z.string(), z.json()), output: z.json() },
  handle: () => null,
});
const handlers = (_: string, name: string) => ({ quick: name === 'writer', thinks: false });

/** The definitions of a document, or its faults as lines. */
function read(text: string) {
  const parsed = parseDocument(text);
  if (!parsed.ok) return { definitions: [], faults: parsed.faults.map(lineOf) };
  const compiled = parsed.graphs.map((graph) => compileGraph(graph, handlers, () => []));
  return {
    definitions: compiled.flatMap((each) => (each.ok ? [each.definition] : [])),
    faults: compiled.flatMap((each) => (each.ok ? [] : each.faults.map(lineOf))),
  };
}

function lineOf({ line, path, code }: GraphFault): string {
  return `${line} ${path} ${code}`;
}

describe('a document of graphs', () => {
  it('means what defineGraph makes of the same', () => {
    const chapter = defineGraph({
      ...{ name: 'chapter', input: z.object({}), output: '/nodes/improve' as const },
      nodes: { improve: { agent: writer, input: '/task/item' } },
    });
    const book = defineGraph({
      ...{ name: 'book', description: 'Writes a book.', width: 2 },
      input: z.object({ topic: z.string() }),
      nodes: {
        draft: {
          ...{ agent: writer, objective: 'Writes it.', budget: { maxRetries: 0 } },
          input: { topic: '/task/topic', tone: { value: 'calm' } },
        },
        'is-long': { condition: { pointer: '/nodes/draft/pages', is: 'gt', value: 100 } },
        chapters: { each: chapter, items: '/nodes/draft/chapters', when: { 'is-long': 'true' } },
        print: {
          ...{ tool: printer, after: ['draft'] },
          input: { text: { pointer: '/nodes/chapters', optional: true } },
        },
      },
      output: { printed: '/nodes/print' },
    });

    const { definitions, faults } = read(BOOK);

    assert.deepEqual(faults, []);
    const [{ inputSchema, nodes, ...rest } = book.definition] = definitions;
    const written = { type: 'object', required: ['topic'], properties: { topic: { type: 'string' } } };
    assert.deepEqual(inputSchema, written);
    const plain = (value: object) =>
      JSON.parse(JSON.stringify(value), (name, item) => (name === 'inputSchema' ? null : item));
    assert.deepEqual(plain({ ...rest, nodes }), plain({ ...book.definition, inputSchema: undefined }));
  });

  it('may be JSON, a list, or several YAML documents', () => {
    const graph = (name: string) => ({ name, components: { a: { agent: 'writer' } }, output: '/nodes/a' });

    const names = [
      JSON.stringify(graph('one'), null, 2),
      JSON.stringify([graph('one'), graph('two')]),
      `---\n${JSON.stringify(graph('one'))}\n---\n${JSON.stringify(graph('two'))}\n---\n`,
    ].map((text) => read(text).definitions.map(({ name }) => name));

    assert.deepEqual(names, [['one'], ['one', 'two'], ['one', 'two']]);
  });

  it('C074: names every fault at once, each with its line', () => {
    const faults = read(`name: Book
components:
  draft:
    agnt: writer
    agent: writer
    input: { topic: task/topic, more: /nodes/nobody }
    budget:
      maxRetries: 9
  each-of:
    each:
      name: inner
      components:
        improve:
          agent: writer
          input:
            text: /nodes/elsewhere
      output: /nodes/missing
    items: /task/list
    width: 99
connections:
  - { from: draft, to: each-of }
  - from: draft
    to: nobody
output: /nodes/print
`).faults;

    assert.deepEqual(faults, [
      '23 /connections/1/to dependency_unknown',
      '4 /components/draft/agnt unknown_property',
      '1 /name name_invalid',
      '6 /components/draft/input/topic pointer_malformed',
      '8 /components/draft/budget/maxRetries retries_out_of_range',
      '19 /components/each-of/width width_out_of_range',
      '15 /components/each-of/each/components/improve/input reads_unknown_node',
      '17 /components/each-of/each/output output_unknown_node',
      '6 /components/draft/input reads_unknown_node',
      '24 /output output_unknown_node',
    ]);
  });

  it('says where a text is no document, and reads none of it', () => {
    const refused = {
      'name: a\ncomponents: [': /^2 {2}malformed$/,
      'name: a\nname: b': /^2 {2}malformed$/,
      'components:\n  ask: 1\n  ask: 2': /^3 {2}malformed$/,
      'a: !!js/function 1': /^1 {2}malformed$/,
      '? [a, b]\n: c': /^1 {2}malformed$/,
      '': /^1 {2}malformed$/,
      '- 1': /^1 \/0 malformed$/,
      'just words': /^1 {2}malformed$/,
      'name: "\\0"': /^1 \/name malformed$/,
      'name: .inf': /^1 \/name malformed$/,
      'a: *nowhere': /^1 {2}malformed$/,
    };

    for (const [text, expected] of Object.entries(refused)) {
      const { faults } = read(text);
      assert.match(faults[0] ?? 'no fault', expected, text);
    }
  });

  it('is bounded: by its length, its depth, and how often an anchor is used', () => {
    const bomb = [
      'a: &a [1]',
      ...'bcdefghi'.split('').map((name, index) => {
        const before = 'abcdefgh'[index];
        return `${name}: &${name} [${Array.from({ length: 10 }, () => `*${before}`).join(', ')}]`;
      }),
    ].join('\n');

    const found = [
      bomb,
      '['.repeat(20_000),
      '- '.repeat(20_000),
      `a: "${'x'.repeat(250_000)}"`,
      `{a: ${'{a: '.repeat(1_500)}`,
    ].map(read);

    for (const { faults } of found) assert.ok(faults.length > 0 && faults.length <= 10);
  });

  const many = <Value>(count: number, make: (index: number) => Value) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, make(index)]));
  const written = (components: object, more: object = {}) => {
    return JSON.stringify({ name: 'any', components, output: '/nodes/a0', ...more });
  };

  it('is refused where a graph, or one within it, is too large to be checked', () => {
    const names = (count: number) => Array.from({ length: count }, (_, index) => `b${index}`);
    const connections = names(2_001).map((from) => ({ from, to: 'a0' }));
    const inner = { name: 'inner', components: many(201, () => 1), output: '/nodes/a0' };

    const found = [
      written(many(201, () => 1)),
      written({ a0: { prompt: 'x' } }, { connections }),
      written({ a0: { prompt: 'x', after: names(1_001), afterAny: names(1_000) } }),
      written({ a0: { each: inner } }),
      written({ ['a'.repeat(65)]: { prompt: 'x' } }),
    ].map((text) => read(text).faults);

    assert.deepEqual(found, [
      ['1 /components too_many_nodes'],
      ['1  plan_too_long'],
      ['1  plan_too_long'],
      ['1 /components/a0/each/components too_many_nodes'],
      ['1 /components node_id_invalid'],
    ]);
  });

  it('tells its first hundred faults, and how many follow', () => {
    const parsed = parseDocument(written(many(200, () => ({ prompt: 'x', y: 1, z: 1 }))));
    const [graph] = parsed.ok ? parsed.graphs : [];
    assert.ok(graph !== undefined);

    const compiled = compileGraph(graph, handlers, () => []);

    assert.ok(!compiled.ok);
    assert.deepEqual([compiled.faults.length, compiled.more], [100, 300]);
    assert.equal(read(written(many(10, () => many(1_000, () => 1)))).faults.length, 100);
    assert.match(new GraphInvalid(null, compiled.faults, compiled.more).message, /has 400 faults.*\n- and 300 more$/s);
  });

  it('merges nothing and keeps no prototype', () => {
    const { faults } = read('base: &b { name: a }\n<<: *b\n__proto__: { name: evil }\ncomponents: {}\noutput: /task');

    assert.ok(
      faults.some((fault) => fault.endsWith('/name malformed') || fault.includes(' /<< unknown_property')),
      faults.join('\n'),
    );
    assert.equal(({} as { name?: string }).name, undefined);
  });

  it('is refused or compiled whatever its components say', () => {
    const properties = NODE_KINDS.flatMap((kind) => [rulesOf(kind).property, ...rulesOf(kind).written]);
    const option = fc.constantFrom(
      'objective',
      'when',
      'after',
      'afterAny',
      'guardedBy',
      'fallbackOf',
      'input',
      ...properties,
    );
    const word = fc.oneof(fc.jsonValue(), fc.constantFrom('/task', '/nodes/a', '', 'a', 'json', 'message', 'equals'));
    const part = fc.constantFrom(
      'pointer',
      'is',
      'value',
      'all',
      'not',
      'first',
      'model',
      'tools',
      'for',
      'entities',
      'until',
    );
    const anything = fc.oneof(
      word,
      fc.array(word, { maxLength: 2 }),
      fc.dictionary(part, fc.oneof(word, fc.array(word))),
    );
    const component = fc.dictionary(option, anything, { maxKeys: 4 });
    const graph = fc.record({
      name: fc.oneof(fc.constant('any'), anything),
      components: fc.dictionary(fc.constantFrom('a', 'b', 'c'), component),
      connections: fc.oneof(
        anything,
        fc.array(fc.record({ from: anything, to: anything, type: anything, when: anything })),
      ),
      output: anything,
    });

    fc.assert(
      fc.property(fc.oneof(graph, fc.jsonValue()), (value) => {
        const { definitions, faults } = read(JSON.stringify(value));
        assert.ok(definitions.length > 0 || faults.length > 0 || JSON.stringify(value) === '[]');
        for (const fault of faults) assert.match(fault, /^\d+ \/?.* [a-z_]+$/s);
      }),
      { numRuns: 300 },
    );
  });
});
