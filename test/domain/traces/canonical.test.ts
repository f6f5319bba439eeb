import assert from 'node:assert/strict';
import {
  canonicalText,
  canonicalTrace,
  eventsOfEnds,
  firstDifference,
  type RecordedRun,
  type RecordedTrace,
} from '../../../domain/traces/canonical.ts';

const run = (path: string, more: Partial<RecordedRun> = {}): RecordedRun => ({
  ...{ path, kind: 'agent', performer: 'writer', status: 'ok', outcome: null, output: { text: path }, error: null },
  ...more,
});
const skipped = { status: 'skipped', output: null, error: { code: 'skipped', message: '' } } as const;
const end = { status: 'completed', output: 1, error: null } as const;

function textOf(trace: RecordedTrace, answered: ReadonlyMap<string, readonly number[]> = new Map()): string {
  return canonicalText({ ...trace, graph: 'hash', events: eventsOfEnds(trace, answered) });
}

describe('the canonical form of a trace', () => {
  it('is the same whatever the order of its runs, of the keys in its outputs, and of its sentences', () => {
    const one = textOf({ task: {}, end, runs: [run('a', { output: { x: 1, y: 2 } }), run('b')] });
    const other = textOf({ task: {}, end, runs: [run('b'), run('a', { output: { y: 2, x: 1 } })] });

    assert.equal(one, other);
    const failed = (message: string) => run('a', { status: 'fatal_error', error: { code: 'handler_failed', message } });
    assert.equal(textOf({ task: {}, end, runs: [failed('no')] }), textOf({ task: {}, end, runs: [failed('nein')] }));
  });

  it('differs with every decision', () => {
    const texts = [
      [run('a')],
      [run('a', { output: 2 })],
      [run('a', { performer: 'editor' })],
      [run('a', { kind: 'tool' })],
      [run('a', { outcome: 'true' })],
      [run('a', { status: 'fatal_error' })],
      [run('a', { status: 'fatal_error', error: { code: 'x', message: '' } })],
      [],
    ].map((runs) => textOf({ task: {}, end, runs }));

    assert.equal(new Set(texts).size, texts.length);
    assert.notEqual(
      textOf({ task: {}, end, runs: [run('a')] }),
      textOf({ task: {}, end, runs: [run('a')] }, new Map([['a', [1]]])),
    );
  });

  it('leaves skipped runs of inner graphs out, and keeps those of the graph itself', () => {
    const { runs } = canonicalTrace({
      ...{ task: {}, end, graph: 'hash', events: [] },
      runs: [run('each[0]/a', skipped), run('b', skipped)],
    });

    assert.deepEqual(Object.keys(runs as object), ['b']);
  });

  it('keeps what follows from the ends, and no retries', () => {
    const events = [
      { type: 'trace.started', path: null, step: null },
      { type: 'run.started', path: 'a', step: null },
      { type: 'run.retried', path: 'a', step: null },
      { type: 'model.answered', path: 'a', step: 1 },
      { type: 'run.completed', path: 'a', step: null },
      { type: 'trace.completed', path: null, step: null },
    ] as const;
    const trace = { task: {}, end, runs: [run('a')] };

    assert.equal(canonicalText({ ...trace, graph: 'hash', events }), textOf(trace, new Map([['a', [1]]])));
  });
});

describe('the first difference of two values', () => {
  it('is named by its place', () => {
    assert.equal(firstDifference({ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }), null);
    assert.deepEqual(firstDifference({ a: [1, { b: 2 }] }, { a: [1, { b: 3 }] }), {
      ...{ pointer: '/a/1/b', recorded: 2, derived: 3 },
    });
    assert.deepEqual(firstDifference({ 'x/y': 1 }, {}), { pointer: '/x~1y', recorded: 1, derived: undefined });
    assert.deepEqual(firstDifference([], {}), { pointer: '', recorded: [], derived: {} });
  });
});
