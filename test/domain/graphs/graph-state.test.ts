import assert from 'node:assert/strict';
import type { GraphNode } from '../../../domain/graphs/definition.ts';
import { isQuick, quickStretch } from '../../../domain/graphs/drive-quick.ts';
import {
  abandon,
  isFinished,
  readyNodes,
  settleNode,
  startGraph,
  startNodes,
  traceResult,
} from '../../../domain/graphs/graph-state.ts';
import { nodeOf, runNode, shortGraph, statuses } from '../support/graphs.ts';

const OK = { status: 'ok', attempts: 1 } as const;
const FATAL = { status: 'fatal_error', attempts: 1 } as const;

describe('the interpreter', () => {
  it('C005: runs four free nodes two at a time when the width is two', () => {
    const graph = shortGraph({ a: [], b: [], c: [], d: [] }, 2);
    const ids = (state: Parameters<typeof readyNodes>[1]) => readyNodes(graph, state).map((node) => node.id);
    const start = startGraph(graph);

    const two = startNodes(start, ids(start));
    const three = settleNode(graph, two, 'b', OK).state;

    assert.deepEqual(ids(start), ['a', 'b']);
    assert.deepEqual(ids(two), []);
    assert.deepEqual(ids(three), ['c']);
  });

  it('C005: keeps the attempts and the kind of error of a node that failed on its last attempt', () => {
    const graph = shortGraph({ a: [] });
    const state = startNodes(startGraph(graph), ['a']);

    const after = settleNode(graph, state, 'a', { status: 'retryable_error', attempts: 2 }).state;

    assert.deepEqual(after.nodes.a, { status: 'retryable_error', attempts: 2 });
    assert.deepEqual(traceResult(graph, after), { status: 'failed', node: 'a' });
  });

  it('lets a node wait for all that it depends on, and then completes', () => {
    const graph = shortGraph({ join: ['a', 'b'], a: [], b: [] });

    const one = runNode(graph, startGraph(graph), 'a');
    const two = runNode(graph, one, 'b');
    const end = runNode(graph, two, 'join');

    assert.deepEqual(
      readyNodes(graph, one).map((node) => node.id),
      ['b'],
    );
    assert.deepEqual(
      readyNodes(graph, two).map((node) => node.id),
      ['join'],
    );
    assert.equal(isFinished(graph, two), false);
    assert.equal(isFinished(graph, end), true);
    assert.deepEqual(traceResult(graph, end), { status: 'completed' });
  });

  it('C005: skips the branch that was not taken with all that requires it, and runs what only takes it if there', () => {
    const graph = shortGraph({ if: [], yes: ['if=true'], no: ['if=false'], after: ['no'], join: ['yes?', 'after?'] });
    const start = startNodes(startGraph(graph), ['if']);

    const { state, skipped } = settleNode(graph, start, 'if', { ...OK, outcome: 'true' });
    const end = runNode(graph, runNode(graph, state, 'yes'), 'join');

    assert.deepEqual(skipped, [
      { id: 'no', reason: '"if" was true' },
      { id: 'after', reason: '"no" was skipped' },
    ]);
    assert.deepEqual(state.nodes.after, { status: 'skipped', attempts: 0, reason: '"no" was skipped' });
    assert.deepEqual(traceResult(graph, end), { status: 'completed' });
  });

  it('C005: tolerates a failure when all that depends on the node does so optionally', () => {
    const graph = shortGraph({ a: [], b: [], join: ['a?', 'b'] });

    const failed = runNode(graph, startGraph(graph), 'a', 'retryable_error');
    const end = runNode(graph, runNode(graph, failed, 'b'), 'join');

    assert.equal(failed.failedNode, null);
    assert.deepEqual(statuses(end), { a: 'retryable_error', b: 'ok', join: 'ok' });
    assert.deepEqual(traceResult(graph, end), { status: 'completed' });
  });

  it('C005: fails the trace when a node fails that something requires, and begins nothing new', () => {
    const graph = shortGraph({ a: [], b: [], c: [], next: ['a'], join: ['a?', 'b', 'next?'] }, 2);
    const running = startNodes(startGraph(graph), ['a', 'b']);

    const { state, skipped } = settleNode(graph, running, 'a', FATAL);
    const end = settleNode(graph, state, 'b', OK).state;

    assert.deepEqual(skipped, [
      { id: 'next', reason: '"a" failed' },
      { id: 'c', reason: '"a" failed' },
      { id: 'join', reason: '"a" failed' },
    ]);
    assert.equal(isFinished(graph, state), false);
    assert.deepEqual(statuses(end), { a: 'fatal_error', b: 'ok', c: 'skipped', next: 'skipped', join: 'skipped' });
    assert.deepEqual(traceResult(graph, end), { status: 'failed', node: 'a' });
  });

  it('names the first of two failures that fail a trace', () => {
    const graph = shortGraph({ a: [], b: [] });
    const running = startNodes(startGraph(graph), ['a', 'b']);

    const end = settleNode(graph, settleNode(graph, running, 'b', FATAL).state, 'a', FATAL).state;

    assert.deepEqual(traceResult(graph, end), { status: 'failed', node: 'b' });
  });

  it('skips the branches of a condition that failed, and fails the trace with it', () => {
    const graph = shortGraph({ if: [], yes: ['if=true'], no: ['if=false'] });

    const end = runNode(graph, startGraph(graph), 'if', 'fatal_error');

    assert.deepEqual(statuses(end), { if: 'fatal_error', yes: 'skipped', no: 'skipped' });
    assert.deepEqual(traceResult(graph, end), { status: 'failed', node: 'if' });
  });

  it('takes the same end twice as once, and refuses another one', () => {
    const graph = shortGraph({ a: [], b: ['a'] });
    const once = settleNode(graph, startNodes(startGraph(graph), ['a']), 'a', OK).state;

    const twice = settleNode(graph, once, 'a', { ...OK });

    assert.deepEqual(twice, { state: once, skipped: [] });
    assert.throws(() => settleNode(graph, once, 'a', FATAL), /"a" ended as ok after 1 attempts and cannot end again/);
    assert.throws(() => settleNode(graph, once, 'a', { ...OK, attempts: 2 }), /cannot end again/);
  });

  it('takes the end of a ready node that was never marked as running', () => {
    const graph = shortGraph({ a: [], b: ['a'] });

    const state = settleNode(graph, settleNode(graph, startGraph(graph), 'a', OK).state, 'b', OK).state;

    assert.deepEqual(statuses(state), { a: 'ok', b: 'ok' });
  });

  it('refuses what cannot be: a start twice, an end too early, an unknown node, a result too soon', () => {
    const graph = shortGraph({ a: [], b: ['a'], if: [] });
    const start = startGraph(graph);
    const running = startNodes(start, ['a', 'if']);

    assert.throws(() => startNodes(running, ['a']), /"a" can begin only once, but it is already running/);
    assert.throws(() => settleNode(graph, running, 'b', OK), /"b" cannot end as ok after 1 attempts before all/);
    assert.throws(() => settleNode(graph, running, 'x', OK), /"x" is not part of the trace/);
    assert.throws(() => startNodes(start, ['constructor']), /"constructor" is not part of the trace/);
    assert.throws(() => settleNode(graph, running, 'if', OK), /"if" is a condition and must end with an outcome/);
    assert.throws(() => settleNode(graph, running, 'a', { ...OK, outcome: 'true' }), /"a" cannot decide "true"/);
    assert.throws(() => settleNode(graph, running, 'a', { status: 'skipped', attempts: 0 }), /only the rules/);
    assert.throws(() => traceResult(graph, running), /no result before all nodes end/);
  });

  it('abandons what has not begun, and lets running nodes end', () => {
    const graph = shortGraph({ a: [], b: ['a'], c: [] });
    const running = startNodes(startGraph(graph), ['a']);

    const { state, skipped } = abandon(graph, running, 'the task was cancelled');
    const end = settleNode(graph, state, 'a', OK).state;

    assert.deepEqual(
      skipped.map((node) => node.id),
      ['b', 'c'],
    );
    assert.deepEqual(state.nodes.c, { status: 'skipped', attempts: 0, reason: 'the task was cancelled' });
    assert.deepEqual(readyNodes(graph, end), []);
    assert.equal(isFinished(graph, end), true);
    assert.deepEqual(abandon(graph, end, 'again'), { state: end, skipped: [] });
  });

  it('leaves the states that it was given as they were', () => {
    const graph = shortGraph({ a: [], b: ['a'] });
    const start = startGraph(graph);
    const before = structuredClone(start);

    runNode(graph, start, 'a', 'fatal_error');

    assert.deepEqual(start, before);
  });

  it('makes a stretch of the ready nodes that are quick, conditions always among them', () => {
    const slow = shortGraph({ slow: [], if: [], quick: [], later: ['quick'] });
    const nodes = slow.nodes.map((node): GraphNode => {
      return 'quick' in node ? { ...node, quick: node.id === 'quick' || node.id === 'later' } : node;
    });
    const graph = { ...slow, nodes };

    assert.deepEqual(
      quickStretch(graph, startGraph(graph)).map(({ path }) => path),
      ['if', 'quick'],
    );
    assert.equal(isQuick(nodeOf('if')), true);
    assert.equal(isQuick(nodeOf('slow')), false);
  });
});
