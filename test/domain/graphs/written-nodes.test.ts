import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineAgent } from '../../../domain/agents/define-handler.ts';
import { defineGraph } from '../../../domain/graphs/define-graph.ts';
import type { Graph } from '../../../domain/graphs/defined-graph.ts';
import { GraphInvalid } from '../../../domain/graphs/graph-faults.ts';
import { takenNames } from '../../../domain/graphs/taken-names.ts';

const text = z.object({ text: z.string() });
const writer = defineAgent({ name: 'writer', input: text, output: text, handle: (input) => input });

/** Lets a test write what the compiler would refuse. */
function defineLoosely(spec: Record<string, unknown>): Graph {
  return defineGraph({ name: 'loose', input: text, output: '/task', nodes: {}, ...spec } as never);
}

describe('nodes as they are written', () => {
  it('refuses an input with a name that the container itself gives, at any depth and also as a constant', () => {
    const a = { agent: writer, input: { text: '/task/text' } };
    const inner = defineLoosely({ name: 'inner', nodes: { a }, output: '/nodes/a' });
    const until = { pointer: '/output', is: 'truthy' };
    const define = () =>
      defineLoosely({
        nodes: {
          all: { each: inner, items: '/task/x', input: { item: '/task/y', index: '/task/y', iteration: '/task/y' } },
          loop: { repeat: inner, until, input: { iteration: { value: 0 }, previous: '/task', item: '/task' } },
          once: { graph: inner, input: { item: '/task', previous: '/task' } },
        },
      });

    assert.throws(define, (error) => {
      assert.ok(error instanceof GraphInvalid);
      assert.deepEqual(
        error.faults.map(({ code, path }) => `${code} ${path}`),
        ['0/input/item', '0/input/index', '1/input/iteration', '1/input/previous'].map(
          (place) => `input_name_taken /nodes/${place}`,
        ),
      );
      return true;
    });
    const { definition } = defineLoosely({ nodes: { once: { graph: inner } } });
    const all = { ...definition.nodes[0], kind: 'each', items: { value: [] }, width: 1 };
    const within = { ...definition, nodes: [{ ...all, input: { whole: { value: { item: 1 } } } }] };
    const outer = { ...definition, nodes: [{ ...definition.nodes[0], graph: within }] } as never;
    assert.deepEqual(
      takenNames(outer).map(({ path }) => path),
      ['/nodes/0/graph/nodes/0/input/item'],
    );
  });

  it('refuses fields that a node of its kind does not have, with the nearest name', () => {
    const a = { agent: writer, input: { text: '/task/text' } };
    const gate = { condition: { pointer: '/task', is: 'exists' }, input: '/task', objective: undefined };

    assert.throws(
      () => defineLoosely({ nodes: { a: { ...a, retries: 3, objectiv: 'x', widht: 2 }, gate } }),
      (error) => {
        assert.ok(error instanceof GraphInvalid);
        assert.deepEqual(
          error.faults.map(({ code, path, message }) => `${code} ${path} ${message}`),
          [
            'unknown_property /nodes/0/retries Node "a" of kind agent has no "retries"; the nearest name is "budget.maxRetries".',
            'unknown_property /nodes/0/objectiv Node "a" of kind agent has no "objectiv"; the nearest name is "objective".',
            'unknown_property /nodes/0/widht Node "a" of kind agent has no "widht"; it takes agent, input, budget, objective, when, after, afterAny, guardedBy, fallbackOf.',
            'unknown_property /nodes/1/input Node "gate" of kind condition has no "input"; it takes condition, objective, when, after, afterAny, guardedBy, fallbackOf.',
          ],
        );
        return true;
      },
    );
  });

  it('refuses fields that a graph does not have, and names the node whose inner graph is none', () => {
    const a = { agent: writer, input: { text: '/task/text' } };

    assert.throws(
      () => defineLoosely({ nodes: { a, inner: { graph: 'greeting' }, all: { each: {}, items: '/task' } }, widh: 3 }),
      (error) => {
        assert.ok(error instanceof GraphInvalid);
        assert.deepEqual(
          error.faults.map(({ code, path, message }) => `${code} ${path} ${message}`),
          [
            'unknown_property /widh A graph has no "widh"; the nearest name is "width".',
            'malformed /nodes/1/graph Node "inner" needs a graph that defineGraph has made as its "graph", found "greeting".',
            'malformed /nodes/2/each Node "all" needs a graph that defineGraph has made as its "each", found an object.',
          ],
        );
        return true;
      },
    );
  });

  it('names the node whose agent or tool is none, and an input that is no schema', () => {
    const a = { agent: writer, input: { text: '/task/text' } };
    const faultsOf = (spec: Record<string, unknown>) => {
      try {
        return defineLoosely(spec) && [];
      } catch (error) {
        assert.ok(error instanceof GraphInvalid);
        return error.faults.map(({ code, path, message }) => `${code} ${path} ${message}`);
      }
    };

    assert.deepEqual(faultsOf({ nodes: { a: { agent: 'wa' }, b: { agent: () => null }, c: { tool: 'search' } } }), [
      'malformed /nodes/0/agent Node "a" needs an agent that defineAgent has made as its "agent", found "wa".',
      'malformed /nodes/1/agent Node "b" needs an agent that defineAgent has made as its "agent", found a function.',
      'malformed /nodes/2/tool Node "c" needs a tool that defineTool has made as its "tool", found "search".',
    ]);
    assert.deepEqual(faultsOf({ nodes: { a }, input: { type: 'object' } }), [
      'input_schema_unusable /inputSchema Expected a Standard Schema as input, one of Zod for example, found an object.',
    ]);
  });

  it('takes the name of an operation for a tool, and refuses one that cannot be', () => {
    const { definition } = defineLoosely({ nodes: { a: { operation: 'tasks.list', input: '/task' } } });
    const [node] = definition.nodes;

    assert.ok(node?.kind === 'tool' && node.handler === 'tasks.list');
    assert.throws(
      () => defineLoosely({ nodes: { a: { operation: 'list' }, b: { operation: 'tasks.list', agent: writer } } }),
      (error) => {
        assert.ok(error instanceof GraphInvalid);
        assert.deepEqual(
          error.faults.map(({ code, path, message }) => `${code} ${path} ${message}`),
          [
            'malformed /nodes/0/operation Node "a" needs the name of an operation like "tasks.list" as its "operation", found "list".',
            'kind_ambiguous /nodes/1 A node is of one kind, but "b" has "agent" and "operation".',
          ],
        );
        return true;
      },
    );
  });

  it('refuses graphs five deep with one fault, also where other nodes read the deepest', () => {
    const a = { agent: writer, input: { text: '/task/text' } };
    const around = (graph: Graph, nodes: object) =>
      defineLoosely({ nodes: { ...nodes, graph: { graph } }, output: '/nodes/graph' });
    const innermost = defineLoosely({ nodes: { a }, output: '/nodes/a' });
    const four = [{ b: { agent: writer, input: { text: '/nodes/graph/text' } } }, { a }, { a }].reduce(
      around,
      innermost,
    );

    assert.throws(
      () => around(four, { a }),
      (error) => error instanceof GraphInvalid && error.faults.map(({ code }) => code).join() === 'graph_too_deep',
    );
  });

  it('refuses a node of two kinds', () => {
    const inner = defineLoosely({ name: 'inner', nodes: { a: { agent: writer, input: { text: '/task/text' } } } });

    assert.throws(
      () => defineLoosely({ nodes: { both: { agent: writer, graph: inner, input: { text: '/task/text' } } } }),
      (error) =>
        error instanceof GraphInvalid &&
        error.faults.length === 1 &&
        error.faults[0]?.code === 'kind_ambiguous' &&
        error.message.endsWith('- /nodes/0: A node is of one kind, but "both" has "agent" and "graph".'),
    );
  });
});
