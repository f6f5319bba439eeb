import assert from 'node:assert/strict';
import { z } from 'zod';
import type { ContainerNode } from '../../domain/graphs/definition.ts';
import { isContainer, rulesOf } from '../../domain/graphs/kinds/kind-table.ts';
import { defineAgent, defineGraph, type Graph } from '../../index.ts';
import { innerInputFault, inputFaultsWithin } from '../../operations/graphs/inner-inputs.ts';

const echo = defineAgent({ name: 'echo', input: z.unknown(), output: z.unknown(), handle: (input) => input });
const inner = (name: string, input: z.ZodType) =>
  defineGraph({ name, input, nodes: { echo: { agent: echo, input: '/task' } }, output: '/nodes/echo' });

const item = inner('takes-an-item', z.object({ item: z.number(), language: z.string().optional() }));
const round = inner('takes-a-round', z.object({ iteration: z.number().max(1), previous: z.unknown() }));
const outer = (nodes: Record<string, object>) =>
  defineGraph({ name: 'outer', input: z.unknown(), nodes: nodes as never, output: '/nodes/all' as never });

const containerOf = ({ definition }: Graph, path: string): ContainerNode => {
  const [node] = definition.nodes;
  assert.ok(node !== undefined && isContainer(node));
  return { ...node, id: path };
};
const faults = ({ definition }: Graph) =>
  inputFaultsWithin(definition).map(({ code, path, message }) => `${code} ${path} ${message}`);

describe('the inputs of inner graphs', () => {
  it('are held to the inner schema one by one, and the first that does not fit is named by its place', () => {
    const node = containerOf(outer({ all: { each: item, items: '/task/list' } }), 'books[1]/all');
    const document = { task: { list: [1, 2, 3, 'four', 'five'] }, nodes: {} };
    const fault = (from: number, size: number) => innerInputFault(node, document, { from, size, previous: null });

    assert.equal(fault(0, 3), null);
    assert.deepEqual(fault(0, 5), {
      ok: false,
      code: 'handler_input_invalid',
      message: 'The input of /nodes/books[1]/all[3] does not fit the graph "takes-an-item": /item must be number.',
    });
    assert.match(fault(4, 5)?.message ?? '', /all\[4\]/);
  });

  it('have from the container what it gives, whatever a whole input has by that name', () => {
    const node = containerOf(outer({ all: { each: item, items: '/task/list', input: '/task' } }), 'all');
    const document = { task: { list: ['a', 'b'], item: 'of an outer each', language: 'en' }, nodes: {} };

    assert.deepEqual(rulesOf(node.kind).container?.input(node, document, { index: 1, previous: null }), {
      ok: true,
      value: { list: ['a', 'b'], item: 'b', index: 1, language: 'en' },
    });
  });

  it('of later rounds are held to it too', () => {
    const node = containerOf(outer({ all: { repeat: round, until: { pointer: '/output', is: 'truthy' } } }), 'all');
    const fault = (from: number) =>
      innerInputFault(node, { task: {}, nodes: {} }, { from, size: from + 1, previous: { n: 1 } });

    assert.deepEqual([fault(0), fault(1)], [null, null]);
    assert.match(fault(2)?.message ?? '', /\/nodes\/all\[2\] .*: \/iteration must be <= 1/);
  });

  it('that are constant are held to it when their graph is published, as schemas of inner graphs are', () => {
    const constant = outer({ all: { each: item, items: { value: [1, 'two'] } } });
    const sub = outer({ all: { graph: item, input: { item: { value: null } } } });
    const given = outer({ all: { each: item, items: '/task/list', input: { language: { value: 'en' } } } });
    const unusable = structuredClone(given.definition.nodes[0]) as unknown as { graph: { inputSchema: object } };
    unusable.graph.inputSchema = { properties: { item: { type: 'nmber' } } };
    const partly = outer({ all: { each: item, items: '/task/list', input: { language: { value: 7 } } } });
    const broken = { ...given, definition: { ...given.definition, nodes: [unusable] } } as unknown as Graph;

    const [ofEach = '', ofSub = '', ofField = '', ofSchema = ''] = [constant, sub, partly, broken].flatMap(faults);

    assert.match(ofEach, /^inner_input_invalid \/nodes\/0 The input of \/nodes\/all\[1\] .* \/item must be number\.$/);
    assert.match(ofSub, /^inner_input_invalid \/nodes\/0 The input of \/nodes\/all .* \/item must be number\.$/);
    assert.match(ofField, /^inner_input_invalid \/nodes\/0 The input of \/nodes\/all .* \/language must be string\.$/);
    assert.match(ofSchema, /^input_schema_unusable \/nodes\/0\/graph\/inputSchema\/properties\/item\/type /);
    assert.deepEqual(faults(given), []);
  });
});
