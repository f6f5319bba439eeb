import assert from 'node:assert/strict';
import fc from 'fast-check';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../../domain/agents/define-handler.ts';
import type { Schema } from '../../../domain/agents/handler.ts';
import { defineGraph } from '../../../domain/graphs/define-graph.ts';
import { isQuick } from '../../../domain/graphs/drive-quick.ts';
import { GraphInvalid } from '../../../domain/graphs/graph-faults.ts';
import { budgetOf, handlerNameOf } from '../../../domain/graphs/kinds/kind-table.ts';
import { storedNode } from '../../../domain/graphs/stored-form.ts';
import { validateGraph } from '../../../domain/graphs/validate-graph.ts';
import { anyGraph } from '../support/graphs.ts';

const text = z.object({ text: z.string() });
const writer = defineAgent({
  name: 'writer',
  description: 'Writes a text.',
  input: text,
  output: text,
  handle: (input) => input,
});
const joiner = defineTool({
  name: 'joiner',
  input: z.object({ text: z.string(), short: z.string().nullish() }),
  output: text,
  quick: true,
  handle: (input) => input,
});

const greeting = () =>
  defineGraph({
    name: 'greeting',
    description: 'Greets.',
    input: text,
    document: 'text',
    nodes: {
      finish: {
        tool: joiner,
        input: { text: '/nodes/greet/text', short: { pointer: '/nodes/shorten/text', optional: true } },
        budget: { timeoutMs: 5_000, maxRetries: 2 },
      },
      greet: { agent: writer, input: { text: '/task/text' } },
      judge: { condition: { pointer: '/nodes/greet/length', is: 'gt', value: 10 } },
      shorten: { agent: writer, input: { text: '/nodes/greet/text' }, when: { judge: 'true' }, objective: 'Shortens.' },
    },
    output: '/nodes/finish',
  });

/** Lets a test write what the compiler would refuse. */
function defineLoosely(spec: Record<string, unknown>): ReturnType<typeof greeting> {
  return defineGraph({ name: 'loose', input: text, output: '/task', nodes: {}, ...spec } as never);
}

function dependenciesOf(nodes: Record<string, unknown>, id: string): Record<string, string> {
  const { definition } = defineLoosely({ nodes });
  const node = definition.nodes.find((candidate) => candidate.id === id);
  const how = node?.dependsOn.map(({ node: source, required, when }) => [source, when ?? (required ? 'yes' : 'no')]);
  return Object.fromEntries(how ?? []);
}

describe('defineGraph', () => {
  it('writes each node as data, with the defaults of budgets and the order of the nodes', () => {
    const { definition } = greeting();
    const [finish, greet, judge] = definition.nodes;

    assert.ok(finish !== undefined && greet !== undefined && judge !== undefined);
    assert.deepEqual(storedNode(finish), {
      id: 'finish',
      kind: 'tool',
      handler: 'joiner',
      objective: '',
      quick: true,
      input: {
        fields: { text: { pointer: '/nodes/greet/text' }, short: { pointer: '/nodes/shorten/text', optional: true } },
      },
      condition: null,
      budget: { timeoutMs: 5_000, maxRetries: 2, inputTokens: 2_000, outputTokens: 2_000 },
      dependsOn: [
        { node: 'greet', required: true },
        { node: 'shorten', required: false },
      ],
    });
    assert.equal(greet.objective, 'Writes a text.');
    assert.deepEqual(budgetOf(greet), { timeoutMs: 30_000, maxRetries: 1, inputTokens: 2_000, outputTokens: 2_000 });
    assert.deepEqual([judge.kind, handlerNameOf(judge), isQuick(judge)], ['condition', null, true]);
  });

  it('writes an edge for each dependency, a branch as one of type condition', () => {
    assert.deepEqual(greeting().definition.edges, [
      { from: 'greet', to: 'finish', type: 'default' },
      { from: 'shorten', to: 'finish', type: 'default' },
      { from: 'greet', to: 'judge', type: 'default' },
      { from: 'greet', to: 'shorten', type: 'default' },
      { from: 'judge', to: 'shorten', type: 'condition' },
    ]);
  });

  it('writes the input as JSON Schema, and gives each handler once', () => {
    const { definition, handlers } = greeting();

    assert.deepEqual(definition.inputSchema?.required, ['text']);
    assert.equal(definition.documentProperty, 'text');
    assert.equal(definition.width, 4);
    assert.deepEqual(handlers, [joiner, writer]);
  });

  it('refuses a pattern whose flags JSON Schema would lose, with its place, and takes those that change nothing', () => {
    const define = (input: Schema<unknown>) =>
      defineGraph({
        name: 'flags',
        input,
        nodes: { a: { agent: writer, input: { text: '/task/text' } } },
        output: '/nodes/a',
      });
    const loose = z.object({ text: z.string().min(1).regex(/x/i), tags: z.array(z.string().regex(/^a$/m)).optional() });
    const plain = z.object({
      text: z.string().regex(/^x/u).regex(/y/g),
      tag: z.emoji().optional(),
      any: z.json().optional(),
    });

    assert.throws(
      () => define(loose),
      (error) =>
        error instanceof GraphInvalid &&
        error.faults
          .map(({ code, path }) => `${code} ${path}`)
          .toSorted()
          .join() ===
          'input_schema_unusable /inputSchema/properties/tags/items,input_schema_unusable /inputSchema/properties/text' &&
        /\/x\/i would mean \/x\/u/.test(error.message),
    );
    assert.doesNotThrow(() => define(plain));
  });

  it('gives data that outlives JSON and that the validation accepts', () => {
    const { definition } = greeting();

    assert.deepEqual(validateGraph(JSON.parse(JSON.stringify(definition))), { ok: true, definition });
  });

  it('takes the strongest of several reasons to wait', () => {
    const reads = { text: '/nodes/a/text', short: { pointer: '/nodes/a/text', optional: true } };
    const a = { agent: writer, input: { text: '/task/text' } };
    const gate = { condition: { pointer: '/task', is: 'exists' } };

    assert.deepEqual(dependenciesOf({ a, b: { tool: joiner, input: reads } }, 'b'), { a: 'yes' });
    assert.deepEqual(dependenciesOf({ a, b: { ...a, afterAny: ['a'] } }, 'b'), { a: 'no' });
    assert.deepEqual(dependenciesOf({ a, b: { ...a, after: ['a'], afterAny: ['a'] } }, 'b'), { a: 'yes' });
    assert.deepEqual(dependenciesOf({ gate, b: { ...a, when: { gate: 'false' }, after: ['gate'] } }, 'b'), {
      gate: 'false',
    });
  });

  it('makes a condition depend optionally on the nodes whose absence it asks about, and require the others', () => {
    const a = { agent: writer, input: { text: '/task/text' } };
    const both = {
      all: [
        { pointer: '/nodes/a', is: 'exists' },
        { pointer: '/nodes/a/text', is: 'equals', value: 'x' },
        { not: { pointer: '/nodes/b/text', is: 'truthy' } },
      ],
    };

    assert.deepEqual(dependenciesOf({ a, b: a, gate: { condition: both } }, 'gate'), { a: 'no', b: 'yes' });
  });

  it('takes one source as the whole input, and sources by name as the output', () => {
    const { definition } = defineLoosely({
      nodes: { a: { agent: writer, input: '/task' } },
      output: { text: '/nodes/a/text', kind: { value: 'note' } },
    });

    assert.deepEqual(definition.nodes.map((node) => 'input' in node && node.input)[0], { whole: { pointer: '/task' } });
    assert.deepEqual(definition.output, { fields: { text: { pointer: '/nodes/a/text' }, kind: { value: 'note' } } });
  });

  it('C004: throws one error that lists every fault', () => {
    const define = () =>
      defineLoosely({
        name: 'Bad Name',
        width: 17,
        nodes: { a: { agent: writer, input: { text: '/nodes/b/text' }, budget: { maxRetries: 4 } } },
      });

    assert.throws(define, (error) => {
      assert.ok(error instanceof GraphInvalid);
      assert.deepEqual(
        error.faults.map((fault) => fault.code),
        [
          'name_invalid',
          'width_out_of_range',
          'retries_out_of_range',
          'dependency_unknown',
          'edge_unknown_node',
          'reads_unknown_node',
        ],
      );
      assert.equal(error.code, 'graph_invalid');
      assert.deepEqual(error.facts, { graph: 'Bad Name', faults: 6, first: 'name_invalid' });
      assert.match(
        error.message,
        /^Graph "Bad Name" has 6 faults; correct what is named here and define it again:\n- \/name: /,
      );
      return true;
    });
  });

  it('refuses a handler of the wrong kind, and two agents of one name', () => {
    const other = defineAgent({ name: 'writer', input: text, output: text, handle: (input) => input });
    const input = { text: '/task/text' };

    assert.throws(
      () =>
        defineLoosely({
          nodes: { a: { agent: joiner, input }, b: { agent: writer, input }, c: { agent: other, input } },
        }),
      (error) => {
        assert.ok(error instanceof GraphInvalid);
        assert.deepEqual(
          error.faults.map(({ code, path }) => [code, path]),
          [
            ['handler_kind', '/nodes/0/handler'],
            ['handler_duplicate', '/nodes/2/handler'],
          ],
        );
        return true;
      },
    );
  });

  it('refuses an input that cannot be written as JSON Schema', () => {
    const input = z.object({ when: z.date() });

    assert.throws(
      () => defineLoosely({ input, nodes: { a: { agent: writer, input: { text: '/task/when' } } } }),
      /The input cannot be written as JSON Schema/,
    );
  });

  it('builds every valid graph: what it makes of random nodes is accepted', () => {
    const worker = defineTool({ name: 'worker', input: z.unknown(), output: z.unknown(), handle: () => null });
    fc.assert(
      fc.property(anyGraph, (graph) => {
        const nodes = graph.nodes.map((node): [string, unknown] => {
          const when = node.dependsOn.flatMap((source) => (source.when ? [[source.node, source.when] as const] : []));
          const plain = node.dependsOn.filter((source) => source.type === undefined && source.when === undefined);
          const typed = (type: string) =>
            node.dependsOn.filter((source) => source.type === type).map((source) => source.node);
          const order = {
            when: Object.fromEntries(when),
            after: plain.filter((source) => source.required).map((source) => source.node),
            afterAny: plain.filter((source) => !source.required).map((source) => source.node),
            guardedBy: typed('guard'),
            fallbackOf: typed('fallback'),
          };
          if (node.kind === 'condition') return [node.id, { condition: node.condition, ...order }];
          if (node.kind === 'guardrail')
            return [node.id, { guardrail: node.guardrail, input: { text: { value: 'harmless' } }, ...order }];
          return [node.id, { tool: worker, ...order }];
        });

        const { definition } = defineLoosely({ nodes: Object.fromEntries(nodes), width: graph.width });

        const waits = (list: typeof definition.nodes) =>
          list.map((node) => [node.id, node.dependsOn.toSorted((a, b) => (a.node < b.node ? -1 : 1))]);
        assert.deepEqual(waits(definition.nodes), waits(graph.nodes));
      }),
      { numRuns: 200 },
    );
  });
});
