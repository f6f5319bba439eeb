import assert from 'node:assert/strict';
import { z } from 'zod';
import { allNodes, rulesOf } from '../../../domain/graphs/kinds/kind-table.ts';
import { planOf } from '../../../domain/graphs/plan.ts';
import { storedForm } from '../../../domain/graphs/stored-form.ts';
import { validateGraph } from '../../../domain/graphs/validate-graph.ts';
import { defineAgent, defineGraph, defineTool, operation } from '../../../index.ts';

const shape = z.object({ question: z.string() });
const read = defineTool({ name: 'read', input: shape, output: z.unknown(), handle: () => null });
const spec = { name: 'thinker', input: shape, output: z.object({ answer: z.string() }), model: 'default' } as const;

describe('the definition of a thinking agent', () => {
  it('fills in its limits, and takes tools and operations', () => {
    const { thinking } = defineAgent({ ...spec, instructions: 'Think.', tools: [read, operation('messages.send')] });

    assert.deepEqual(thinking?.limits, {
      ...{ steps: 12, callsPerStep: 3, parallelReads: 3, callMs: 300_000, idleMs: 60_000, resultCharacters: 4_000 },
      ...{ inputTokens: 120_000, transcriptTokens: 20_000, unanswered: 20 },
    });
    assert.deepEqual(
      thinking?.tools.map(({ name }) => name),
      ['read', 'messages.send'],
    );
    assert.equal(thinking?.whenInDoubt, 'repeat');
    assert.equal(thinking?.outputSchema?.type, 'object');
  });

  it('takes one model, or several in their order', () => {
    const models = (model: string | readonly string[]) =>
      defineAgent({ ...spec, model, instructions: 'Think.' }).thinking?.models;

    assert.deepEqual(models('default'), ['default']);
    assert.deepEqual(models(['digest', 'default']), ['digest', 'default']);
    for (const none of [[], ['digest', '']]) assert.throws(() => models(none), /a list of names, as model/);
  });

  it('takes an output of text as it is', () => {
    const { thinking } = defineAgent({ ...spec, output: z.string(), instructions: 'Think.' });

    assert.equal(thinking?.outputSchema, null);
  });

  it('names every fault at once', () => {
    const wrong = {
      ...{ ...spec, model: '', instructions: 7, tools: [read, read], limits: { steps: 0, rounds: 1 } },
      ...{ whenInDoubt: 'ask', output: z.string().transform(Number), handle: () => null },
    };

    assert.throws(() => defineAgent(wrong as never), {
      code: 'handler_definition_invalid',
      message:
        /either handle or model.*name of a model.*instructions.*whenInDoubt.*"read".*limits.steps.*limits.rounds/s,
    });
  });

  it('makes a node of its own drive, which every form of its graph keeps', () => {
    const agent = defineAgent({ ...spec, instructions: 'Think.' });
    const nodes = { think: { agent, input: { question: '/task/question' } } } as const;
    const { definition } = defineGraph({ name: 'thinking', input: shape, nodes, output: '/nodes/think' });

    for (const form of [definition, planOf(definition), readBack(storedForm(definition))]) {
      const drives = allNodes(form).map((node) => rulesOf(node.kind).drive(node));
      assert.deepEqual(drives, ['thinking']);
    }
  });

  it('leaves the stored form of other agents as it was', () => {
    const agent = defineAgent({ name: 'plain', input: shape, output: shape, handle: (given) => given });
    const nodes = { plain: { agent, input: { question: '/task/question' } } } as const;
    const { definition } = defineGraph({ name: 'plain', input: shape, nodes, output: '/nodes/plain' });

    assert.doesNotMatch(JSON.stringify(storedForm(definition)), /thinks/);
  });
});

function readBack(stored: unknown) {
  const read = validateGraph(stored);
  assert.ok(read.ok);
  return read.definition;
}
