import assert from 'node:assert/strict';
import { z } from 'zod';
import { NOT_CALLED } from '../../../domain/graphs/connections.ts';
import type { GraphNode } from '../../../domain/graphs/definition.ts';
import type { GraphInvalid } from '../../../domain/graphs/graph-faults.ts';
import { isFinished, startGraph, traceResult } from '../../../domain/graphs/graph-state.ts';
import { needOf, rulesOf } from '../../../domain/graphs/kinds/kind-table.ts';
import { planOf } from '../../../domain/graphs/plan.ts';
import { replayTrace } from '../../../domain/graphs/replay.ts';
import { readySteps, settleRun, startRuns } from '../../../domain/graphs/run-state.ts';
import { storedForm } from '../../../domain/graphs/stored-form.ts';
import { validateGraph } from '../../../domain/graphs/validate-graph.ts';
import { defineGraph, defineTool } from '../../../index.ts';

const lookUp = defineTool({
  ...{ name: 'look-up', input: z.object({ number: z.number() }), output: z.string() },
  handle: () => 'found',
});

const LLM = { model: 'default', instructions: 'Think.' } as const;

function graphOf(nodes: object) {
  return defineGraph({
    name: 'thinks',
    input: z.object({}),
    nodes: nodes as Record<never, never>,
    output: '/nodes/think' as never,
  });
}

const thinks = graphOf({ find: { tool: lookUp }, think: { llm: { ...LLM, tools: ['find', 'tasks.list'] } } });
const { definition } = thinks;

function faultsOf(nodes: object): readonly string[] {
  try {
    graphOf(nodes);
    return [];
  } catch (error) {
    return (error as GraphInvalid).faults.map(({ path, message }) => `${path} ${message}`);
  }
}

describe('an llm as a node', () => {
  it('is stored with its model as what it needs of a worker, and with an edge from each of its tools', () => {
    const [find, think] = definition.nodes;

    assert.partialDeepStrictEqual(think, { kind: 'llm', handler: 'default', llm: { operations: ['tasks.list'] } });
    assert.deepEqual(find?.dependsOn, [{ node: 'think', required: false, type: 'tool' }]);
    assert.deepEqual(definition.edges, [{ from: 'find', to: 'think', type: 'tool' }]);
    const read = validateGraph(storedForm(definition));
    assert.deepEqual(read.ok && read.definition, definition);
  });

  it('brings the code of its tools, and none of its own', () => {
    assert.deepEqual(
      thinks.handlers.map(({ name }) => name),
      ['look-up'],
    );
  });

  it('is refused where it cannot think', () => {
    const faults = faultsOf({
      think: { llm: { model: 'no model', instructions: '', temperature: 3, maxTokens: 0, limits: { steps: 0 } } },
    });

    assert.equal(faults.length, 5, faults.join('\n'));
    assert.match(faults.join('\n'), /\/nodes\/0\/handler Expected the name of a model, found "no model"/);
  });

  it('is refused with a schema that could not be held to whole', () => {
    const output = { type: 'object', patternProperties: {} };

    assert.match(faultsOf({ think: { llm: { ...LLM, output } } })[0] ?? '', /\/patternProperties is not a keyword/);
  });

  it('is refused with a tool that is none, is not there, or is there twice', () => {
    const faults = faultsOf({
      find: { tool: lookUp },
      again: { tool: lookUp },
      gate: { condition: { pointer: '/task', is: 'exists' } },
      think: { llm: { ...LLM, tools: ['find', 'again', 'gate', 'gone'] } },
    });

    assert.deepEqual(
      faults.map((fault) => fault.replace(/^\S+ /, '')),
      [
        '"think" has the tool "gone", and no node is called so.',
        '"think" has the tool look-up twice: "find" and "again".',
        'Only a tool can be bound to "think", but "gate" is of kind condition.',
      ],
    );
  });

  it('is refused with a tool that waits for something, or has an input', () => {
    const faults = faultsOf({
      find: { tool: lookUp, input: { number: '/nodes/before' } },
      before: { tool: lookUp, input: { number: { value: 1 } } },
      think: { llm: { ...LLM, tools: ['find'] } },
    });

    assert.match(faults.join('\n'), /"find" is bound to "think": it cannot wait for anything, nor read an input/);
  });
});

describe('a guardrail with a judge', () => {
  const rail = (judge: object) => ({
    rail: { guardrail: { judge }, input: { text: { value: 'hello' } } },
    think: { llm: LLM },
  });

  it('thinks, in the plan of its workflow too, and one without a judge does not', () => {
    const drives = (nodes: object) =>
      planOf(graphOf(nodes).definition).nodes.map((node) => rulesOf(node.kind).drive(node));

    assert.deepEqual(drives(rail({ model: 'default', question: 'Is it polite?' })), ['thinking', 'thinking']);
    const plain = {
      rail: { guardrail: { bannedPhrases: ['x'] }, input: { text: { value: 'hello' } } },
      think: { llm: LLM },
    };
    assert.deepEqual(drives(plain), ['inline', 'thinking']);
  });

  it('is stored with the model of its judge as what it needs, and refused without a question', () => {
    const { definition } = graphOf(rail({ model: 'default', question: 'Is it polite?' }));
    const read = validateGraph(storedForm(definition));

    assert.deepEqual(read.ok && read.definition, definition);
    assert.equal(needOf(definition.nodes[0] as GraphNode), 'guardrail:default');
    assert.match(faultsOf(rail({ model: 'default', question: ' ' }))[0] ?? '', /question Expected a question/);
  });
});

describe('a tool that is bound to an llm', () => {
  const plan = planOf(definition);
  const running = startRuns(plan, startGraph(plan), ['think']);
  const phases = (state: typeof running) => readySteps(plan, state).map(({ path, phase }) => `${phase} ${path}`);

  it('is no step before the llm has ended, and is counted then', () => {
    const { state } = settleRun(plan, running, 'think', { status: 'ok', attempts: 1 });

    assert.deepEqual(phases(startGraph(plan)), ['run think']);
    assert.deepEqual(phases(running), []);
    assert.deepEqual(phases(state), ['count find']);
  });

  it('ends as skipped where it was not called, and the trace is complete', () => {
    const { state } = settleRun(plan, running, 'think', { status: 'ok', attempts: 1 });

    const uncalled = settleRun(plan, state, 'find', { status: 'skipped', attempts: 0 });
    const repeated = settleRun(plan, uncalled.state, 'find', { status: 'skipped', attempts: 0 });

    assert.deepEqual(uncalled.skipped, [{ id: 'find', reason: 'the model did not call it' }]);
    assert.ok(isFinished(plan, uncalled.state));
    assert.deepEqual(traceResult(plan, uncalled.state), { status: 'completed' });
    assert.deepEqual(repeated, { state: uncalled.state, skipped: [] });
  });

  it('does not make the failure of its llm a tolerated one', () => {
    const { state } = settleRun(plan, running, 'think', { status: 'fatal_error', attempts: 1 });

    assert.equal(state.failedNode, 'think');
    assert.equal(state.nodes.find?.reason, '"think" failed');
  });

  it('is replayed as it was recorded, called or not', () => {
    const runOf = (path: string, kind: string, performer: string) => {
      return { path, kind, performer, status: 'ok' as const, outcome: null, output: { calls: 1 }, error: null };
    };
    const called = runOf('find', 'tool', 'look-up');
    const uncalled = {
      ...called,
      status: 'skipped' as const,
      output: null,
      error: { code: 'skipped', message: NOT_CALLED },
    };
    for (const find of [called, uncalled]) {
      const runs = [runOf('think', 'llm', 'think'), find];
      const end = { status: 'completed' as const, output: { calls: 1 }, error: null };

      const replayed = replayTrace(definition, { task: {}, runs, end });

      assert.deepEqual(replayed.divergences, []);
      assert.deepEqual(replayed.open, []);
      assert.partialDeepStrictEqual(
        replayed.runs.find(({ path }) => path === 'find'),
        { status: find.status, output: find.output },
      );
    }
  });

  it('is the only node that may end as skipped by its own word', () => {
    assert.throws(() => settleRun(plan, running, 'think', { status: 'skipped', attempts: 0 }), /only the rules/);
  });
});
