import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../../domain/agents/define-handler.ts';
import type { Handler } from '../../../domain/agents/handler.ts';
import { defineGraph } from '../../../domain/graphs/define-graph.ts';
import { GraphInvalid } from '../../../domain/graphs/graph-faults.ts';

const input = z.object({ name: z.string() });
const greeter = defineAgent({
  name: 'greeter',
  input: z.object({ name: z.string(), style: z.string().default('plain') }),
  output: z.object({ text: z.string(), length: z.number() }),
  quick: true,
  handle: ({ name, style }) => ({ text: `${style} ${name}`, length: name.length }),
});
const shortener = defineTool({
  name: 'shortener',
  input: z.object({ text: z.string(), short: z.string().nullish() }),
  output: z.object({ text: z.string() }),
  handle: async ({ text }) => ({ text: text.slice(0, 3) }),
});

const greeting = defineGraph({
  name: 'inner-greeting',
  input,
  nodes: { greet: { agent: greeter, input: { name: '/task/name' } } },
  output: '/nodes/greet',
});

/** What the compiler refuses, the validation refuses too, so that JavaScript has the same safety. */
function refused(define: () => unknown): void {
  assert.throws(define, (error) => error instanceof GraphInvalid);
}

describe('the types of defineGraph', () => {
  it('accept a graph whose pointers, inputs and branches fit', () => {
    const graph = defineGraph({
      name: 'greeting',
      input,
      document: 'name',
      nodes: {
        greet: { agent: greeter, input: { name: '/task/name' } },
        judge: { condition: { not: { pointer: '/nodes/greet/length', is: 'lte', value: 10 } } },
        shorten: { tool: shortener, input: { text: '/nodes/greet/text' }, when: { judge: 'true' } },
        join: {
          tool: shortener,
          input: { text: { value: 'x' }, short: { pointer: '/nodes/shorten/text', optional: true } },
          budget: { timeoutMs: 5_000 },
          afterAny: ['greet'],
        },
        again: { tool: shortener, input: '/nodes/join', after: ['join'] },
      },
      output: { text: '/nodes/join/text', whole: '/nodes/again' },
    });

    assert.deepEqual(
      graph.handlers.map((handler) => handler.name),
      ['greeter', 'shortener'],
    );
  });

  it('refuse a pointer into a node that is not there, also in a condition and in the output', () => {
    refused(() =>
      defineGraph({
        name: 'unknown-pointers',
        input,
        nodes: {
          // @ts-expect-error no node is called "greeet"
          shorten: { tool: shortener, input: { text: '/nodes/greeet/text' } },
          // @ts-expect-error no node is called "nobody"
          judge: { condition: { pointer: '/nodes/nobody', is: 'truthy' } },
        },
        // @ts-expect-error no node is called "finish"
        output: '/nodes/finish',
      }),
    );
  });

  it('refuse a node that reads itself, and a pointer to neither the task nor a node', () => {
    refused(() =>
      defineGraph({
        name: 'self',
        input,
        nodes: {
          // @ts-expect-error a node cannot read its own output
          first: { tool: shortener, input: { text: '/nodes/first/text' } },
          // @ts-expect-error pointers begin with /task or /nodes
          second: { tool: shortener, input: { text: 'task.name' } },
        },
        output: '/task',
      }),
    );
  });

  it('refuse an input that lacks a property, and one that has a property too many', () => {
    const lacking = () =>
      defineGraph({
        name: 'lacking',
        input,
        nodes: {
          // @ts-expect-error the greeter needs a name; its style has a default
          greet: { agent: greeter, input: { style: '/task/name' } },
          // @ts-expect-error the greeter needs an input
          again: { agent: greeter },
        },
        output: '/task',
      });
    const extra = () =>
      defineGraph({
        name: 'extra',
        input,
        nodes: {
          // @ts-expect-error the greeter knows no "tone"
          greet: { agent: greeter, input: { name: '/task/name', tone: '/task/name' } },
        },
        output: '/task',
      });

    // What a handler takes is the worker's to check when data is stored without its code.
    assert.doesNotThrow(lacking);
    assert.doesNotThrow(extra);
  });

  it('refuse a branch of a node that decides nothing, and an outcome that no condition has', () => {
    refused(() =>
      defineGraph({
        name: 'branches',
        input,
        nodes: {
          greet: { agent: greeter, input: { name: '/task/name' } },
          // @ts-expect-error "greet" is no condition
          shorten: { tool: shortener, input: { text: '/task/name' }, when: { greet: 'true' } },
          judge: { condition: { pointer: '/task/name', is: 'exists' } },
          // @ts-expect-error outcomes are "true" and "false"
          other: { tool: shortener, input: { text: '/task/name' }, when: { judge: 'maybe' } },
        },
        output: '/task',
      }),
    );
  });

  it('refuse an order after an unknown node, and a node that is of two kinds or of none', () => {
    refused(() =>
      defineGraph({
        name: 'orders',
        input,
        nodes: {
          // @ts-expect-error no node is called "nobody"
          greet: { agent: greeter, input: { name: '/task/name' }, after: ['nobody'] },
          // @ts-expect-error a condition runs no agent
          both: { condition: { pointer: '/task', is: 'exists' }, agent: greeter },
          // @ts-expect-error an agent runs no graph
          two: { agent: greeter, graph: greeting, input: { name: '/task/name' } },
          // @ts-expect-error a node needs an agent, a tool or a condition
          none: { objective: 'nothing' },
          // @ts-expect-error a tool is no agent
          wrong: { agent: shortener, input: { text: '/task/name' } },
        },
        output: '/task',
      }),
    );
  });

  it('refuse what a node without code does not have, and a rule or a format that there is not', () => {
    const text = { text: '/task/name' } as const;
    refused(() =>
      defineGraph({
        name: 'without-code',
        input,
        nodes: {
          // @ts-expect-error a prompt has no pattern
          ask: { prompt: 'Hello, {{name}}', pattern: 'a', input: { name: '/task/name' } },
          // @ts-expect-error an expression is a text
          count: { function: 5, input: '/task' },
          // @ts-expect-error there is no format "xml"
          read: { parse: 'xml', input: text },
          // @ts-expect-error an output parser reads a text
          lost: { parse: 'json', input: { name: '/task/name' } },
          // @ts-expect-error there is no rule "banned"
          allowed: { guardrail: { banned: ['x'] }, input: text },
          // @ts-expect-error operations have names like "tasks.list"
          list: { operation: 'list' },
          // @ts-expect-error a node is of one kind
          both: { prompt: 'Hello', operation: 'tasks.list' },
        },
        output: '/task',
      }),
    );
  });

  it('accept tools that an llm calls without an input, and refuse those that are not there or have one', () => {
    const llm = { model: 'default', instructions: 'Think.' } as const;
    defineGraph({
      name: 'thinking',
      input,
      nodes: { short: { tool: shortener }, think: { llm: { ...llm, tools: ['short', 'tasks.list'] } } },
      output: '/nodes/think',
    });

    refused(() =>
      defineGraph({
        name: 'thinking',
        input,
        nodes: {
          // @ts-expect-error the model gives a bound tool its input
          short: { tool: shortener, input: { text: '/task/name' } },
          // @ts-expect-error no node is called "long"
          think: { llm: { ...llm, tools: ['short', 'long'] } },
          // @ts-expect-error an llm needs instructions
          blank: { llm: { model: 'default' } },
        },
        output: '/nodes/think',
      }),
    );
  });

  it('refuse a document property that the input does not have', () => {
    refused(() =>
      defineGraph({
        name: 'document',
        input,
        // @ts-expect-error the input has no "text"
        document: 'text',
        nodes: { greet: { agent: greeter, input: { name: '/task/name' } } },
        output: '/nodes/greet',
      }),
    );
  });

  it('carry the types of the schemas into the handler', () => {
    const typed: Handler<{ name: string; style: string }, { text: string; length: number }> = greeter;

    assert.equal(typed.kind, 'agent');
    // @ts-expect-error the output needs a text
    defineAgent({ name: 'bad', input, output: z.object({ text: z.string() }), handle: () => ({ txt: '' }) });
  });
});
