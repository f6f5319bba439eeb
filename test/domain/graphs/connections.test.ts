import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineAgent } from '../../../domain/agents/define-handler.ts';
import { defineGraph } from '../../../domain/graphs/define-graph.ts';
import { GraphInvalid } from '../../../domain/graphs/graph-faults.ts';
import { settleNode, startGraph, startNodes, traceResult } from '../../../domain/graphs/graph-state.ts';
import { readInput } from '../../../domain/graphs/read-source.ts';
import { runNode, shortGraph, statuses } from '../support/graphs.ts';

const text = z.object({ text: z.string() });
const writer = defineAgent({ name: 'writer', input: text, output: text, handle: (input) => input });

/** Asks, reads the answer, and says something else where either fails. */
const asking = shortGraph({ ask: [], parse: ['ask'], sorry: ['ask!', 'parse!'], say: ['parse?', 'sorry?'] });

describe('a fallback', () => {
  it('is skipped when nothing failed', () => {
    const asked = runNode(asking, startGraph(asking), 'ask');
    const parsed = runNode(asking, asked, 'parse');

    assert.deepEqual(parsed.nodes.sorry, {
      status: 'skipped',
      attempts: 0,
      reason: '"ask" and "parse" did not fail',
    });
    assert.deepEqual(traceResult(asking, runNode(asking, parsed, 'say')), { status: 'completed' });
  });

  it('runs in the place of what failed, and of what was skipped after it', () => {
    const failed = runNode(asking, startGraph(asking), 'ask', 'fatal_error');
    const done = runNode(asking, runNode(asking, failed, 'sorry'), 'say');

    assert.equal(failed.failedNode, null);
    assert.deepEqual(statuses(done), { ask: 'fatal_error', parse: 'skipped', sorry: 'ok', say: 'ok' });
    assert.deepEqual(traceResult(asking, done), { status: 'completed' });
  });

  it('tolerates a failure that others do not, and fails the trace where it fails itself', () => {
    const graph = shortGraph({ ask: [], next: ['ask'], sorry: ['ask!'] });
    const failed = runNode(graph, startGraph(graph), 'ask', 'retryable_error');

    const twice = runNode(graph, failed, 'sorry', 'fatal_error');

    assert.deepEqual(failed.nodes.next?.reason, '"ask" failed');
    assert.deepEqual(traceResult(graph, twice), { status: 'failed', node: 'sorry' });
  });

  it('is not needed where what it stands for was skipped', () => {
    const graph = shortGraph({ 'if-asked': [], ask: ['if-asked=true'], sorry: ['ask!'] });

    const after = runNode(graph, startGraph(graph), 'if-asked', 'false');

    assert.deepEqual(statuses(after), { 'if-asked': 'ok', ask: 'skipped', sorry: 'skipped' });
  });
});

describe('a guard', () => {
  it('lets a node run only if the guardrail passed', () => {
    const graph = shortGraph({ rail: [], say: ['rail+'] });
    const running = startNodes(startGraph(graph), ['rail']);

    const blocked = settleNode(graph, running, 'rail', { status: 'fatal_error', attempts: 1 }).state;

    assert.deepEqual(statuses(runNode(graph, startGraph(graph), 'rail')), { rail: 'ok', say: 'pending' });
    assert.equal(blocked.nodes.say?.reason, '"rail" failed');
    assert.deepEqual(traceResult(graph, blocked), { status: 'failed', node: 'rail' });
  });
});

describe('connections as they are written', () => {
  const rail = { guardrail: { bannedPhrases: ['secret'] }, input: { text: '/task/text' } } as const;

  it('become dependencies with their edges', () => {
    const { definition } = defineGraph({
      name: 'guarded',
      input: text,
      nodes: {
        rail,
        say: { agent: writer, input: { text: '/task/text' }, guardedBy: ['rail'] },
        sorry: { agent: writer, input: { text: { value: 'Sorry.' } }, fallbackOf: ['rail', 'say'] },
        last: { agent: writer, input: { text: { first: ['/nodes/say/text', '/nodes/sorry/text'] } } },
      },
      output: { text: { first: ['/nodes/say/text', '/nodes/sorry/text'] } },
    });

    assert.deepEqual(
      definition.edges.map(({ from, to, type }) => `${from} ${type} ${to}`),
      ['rail guard say', 'rail fallback sorry', 'say fallback sorry', 'say default last', 'sorry default last'],
    );
    assert.deepEqual(definition.nodes.at(-1)?.dependsOn, [
      { node: 'say', required: false },
      { node: 'sorry', required: false },
    ]);
  });

  const faultsOf = (nodes: object) => {
    try {
      defineGraph({ name: 'faulty', input: text, nodes, output: '/task' } as never);
      return [];
    } catch (error) {
      assert.ok(error instanceof GraphInvalid);
      return error.faults.map(({ code, path, message }) => `${code} ${path} ${message}`);
    }
  };

  it('are refused where no guardrail guards, and where a fallback needs what failed', () => {
    const say = { agent: writer, input: { text: '/task/text' } };
    const sorry = { agent: writer, input: { text: '/nodes/say/text' }, fallbackOf: ['say'] };

    assert.deepEqual(faultsOf({ say, other: { ...say, guardedBy: ['say'] } }), [
      'connection_invalid /nodes/1/dependsOn/0/type Only a guardrail guards, but "say" is of kind agent.',
    ]);
    assert.deepEqual(faultsOf({ say, sorry }), [
      'reads_failed_node /nodes/1/input Node "sorry" runs when "say" failed, so it can read it only as "optional" or among "first".',
    ]);
    assert.deepEqual(faultsOf({ say: { ...say, input: { text: { first: ['/task/text'] } } } }), [
      'malformed /nodes/0/input/fields/text/first Expected 2 to 16 pointers, found 1.',
    ]);
  });

  it('do not compile where the name is not that of a guardrail, or of no node', () => {
    assert.throws(() =>
      defineGraph({
        name: 'typed',
        input: text,
        nodes: {
          rail,
          // @ts-expect-error "after" is no guardrail
          say: { agent: writer, input: { text: '/task/text' }, guardedBy: ['after'] },
          // @ts-expect-error no node is called "nobody"
          after: { agent: writer, input: { text: '/task/text' }, fallbackOf: ['nobody'] },
          // @ts-expect-error no node is called "nobody"
          last: { agent: writer, input: { text: { first: ['/nodes/nobody', '/task/text'] } } },
        },
        output: '/task',
      }),
    );
  });
});

describe('the first of several sources', () => {
  const read = (nodes: Record<string, string>, optional = false) =>
    readInput({ whole: { first: ['/nodes/a', '/nodes/b'], optional } }, { task: null, nodes });

  it('is the first that has a value', () => {
    assert.deepEqual(read({ a: 'A', b: 'B' }), { ok: true, value: 'A' });
    assert.deepEqual(read({ b: 'B' }), { ok: true, value: 'B' });
  });

  it('is missing, or null where it may be, when none has', () => {
    assert.deepEqual(read({}), { ok: false, pointer: '/nodes/a or /nodes/b' });
    assert.deepEqual(read({}, true), { ok: true, value: null });
  });
});
