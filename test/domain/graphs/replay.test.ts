import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { GraphDefinition, GraphNode } from '../../../domain/graphs/definition.ts';
import { replayTrace } from '../../../domain/graphs/replay.ts';
import type { DivergenceReason } from '../../../domain/graphs/replayed.ts';
import { canonicalText, eventsOfEnds, type RecordedTrace } from '../../../domain/traces/canonical.ts';
import { anyGraph, graphOf, nodeOf, shortGraph } from '../support/graphs.ts';
import { blocking, carriedOut, nested, type Schedule } from '../support/recorded-traces.ts';

const textOf = (trace: RecordedTrace) =>
  canonicalText({ ...trace, graph: 'hash', events: eventsOfEnds(trace, new Map()) });

function reasons(graph: GraphDefinition, trace: RecordedTrace): readonly [string, DivergenceReason][] {
  return replayTrace(graph, trace).divergences.map(({ path, reason }) => [path, reason]);
}

const anySchedule: fc.Arbitrary<Schedule> = fc.record({
  picks: fc.array(fc.nat(), { minLength: 20, maxLength: 60 }),
  failures: fc.integer({ min: 0, max: 12 }),
  stopAfter: fc.option(fc.integer({ min: 0, max: 30 }), { freq: 4 }),
  heardLate: fc.boolean(),
});

describe('the replay of a trace', () => {
  it('comes to the same text as any execution of any graph, whatever failed and in whatever order runs ended', () => {
    fc.assert(
      fc.property(anyGraph, anyGraph, anySchedule, (outer, inner, schedule) => {
        const graph = nested(blocking(outer), blocking(inner));
        const trace = carriedOut(graph, schedule);

        const replayed = replayTrace(graph, trace);

        assert.deepEqual(replayed.divergences, []);
        assert.equal(textOf({ ...replayed, task: trace.task }), textOf(trace));
      }),
      { numRuns: 300 },
    );
  });

  it('opens what the record does not hold, in a trace that runs', () => {
    fc.assert(
      fc.property(anyGraph, anyGraph, anySchedule, fc.nat(), (outer, inner, schedule, cut) => {
        const graph = nested(outer, inner);
        const { runs, ...trace } = carriedOut(graph, { ...schedule, failures: 0, stopAfter: null, heardLate: false });
        // A repeat that finds no end fails the trace by itself, and nothing is left to open.
        fc.pre(trace.end?.status === 'completed');
        const begun = runs.filter(({ status }) => status !== 'skipped');
        const prefix = begun.slice(0, cut % (begun.length + 1));

        const replayed = replayTrace(graph, { ...trace, runs: prefix, end: null });

        assert.deepEqual(replayed.divergences, []);
        const missing = begun.slice(prefix.length).some(({ kind }) => kind === 'agent');
        assert.equal(replayed.open.length > 0, missing);
        assert.ok(replayed.open.every((path) => !prefix.some((run) => run.path === path)));
      }),
    );
  });

  const graph = graphOf([
    { ...nodeOf('a'), input: { fields: { n: { pointer: '/task/n' } } } } as GraphNode,
    nodeOf('if', ['a']),
    nodeOf('b', ['if=true']),
  ]);
  const trace = carriedOut(graph, { picks: [0], failures: 0, stopAfter: null, heardLate: false });

  it('gives each run the input that it was given', () => {
    assert.deepEqual(replayTrace(graph, { ...trace, task: { n: 7 } }).runs[0]?.input, { n: 7 });
  });

  it('tells what was evaluated anew from what was taken from the record', () => {
    const by = replayTrace(graph, trace).runs.map((run) => [run.path, run.by]);

    assert.deepEqual(by, [
      ['a', 'record'],
      ['if', 'rules'],
      ['b', 'record'],
    ]);
  });

  it('names the first run at which a record leaves its graph', () => {
    const [a, decision, b] = trace.runs;
    assert.ok(a && decision && b);
    const end = trace.end;

    assert.deepEqual(reasons(graph, { ...trace, runs: [a, { ...decision, outcome: 'false' }, b] }), [
      ['if', 'end_changed'],
    ]);
    assert.deepEqual(reasons(graph, { ...trace, runs: [{ ...a, performer: 'other' }, decision, b] }), [
      ['a', 'performer_changed'],
    ]);
    assert.deepEqual(reasons(graph, { ...trace, runs: [a, decision] }), [['b', 'not_recorded']]);
    assert.deepEqual(reasons(graph, { task: {}, runs: [a, decision, b], end }), [['a', 'input_missing']]);
    assert.deepEqual(reasons(shortGraph({ a: [] }), trace), [
      ['if', 'unknown_run'],
      ['b', 'unknown_run'],
    ]);
    assert.deepEqual(reasons(shortGraph({ a: [], if: ['a'], b: ['if=false'] }), trace), [['b', 'never_ready']]);
  });

  it('takes a cancel from the record, and skips what had not begun', () => {
    const cancelled = { status: 'cancelled', output: null, error: null } as const;
    const [a] = trace.runs;
    assert.ok(a);

    const replayed = replayTrace(graph, { ...trace, runs: [a], end: cancelled });

    assert.deepEqual(replayed.end, cancelled);
    assert.deepEqual(replayed.divergences, []);
    assert.deepEqual(
      replayed.runs.map(({ path, status }) => [path, status]),
      [
        ['a', 'ok'],
        ['if', 'skipped'],
        ['b', 'skipped'],
      ],
    );
  });
});
