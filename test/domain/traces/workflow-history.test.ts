import assert from 'node:assert/strict';
import type { GraphNode } from '../../../domain/graphs/definition.ts';
import type { RecordedRun } from '../../../domain/traces/canonical.ts';
import type { RunPath } from '../../../domain/traces/path.ts';
import type { SettledRunStatus } from '../../../domain/traces/trace-status.ts';
import { gapsBetween, type TraceRows, type WorkflowHistory } from '../../../domain/traces/workflow-history.ts';
import { graphOf, nodeOf } from '../support/graphs.ts';

const definition = graphOf([nodeOf('a'), { ...nodeOf('b', ['a']), quick: true } as GraphNode]);

const run = (path: RunPath, status: SettledRunStatus = 'ok', code: string | null = null): RecordedRun => ({
  ...{ path, kind: 'agent', performer: 'worker', status, outcome: null, output: null },
  error: code === null ? null : { code, message: '' },
});
const types = [
  'trace.started',
  'run.started a',
  'run.completed a',
  'run.started b',
  'run.completed b',
  'trace.completed',
];
const eventsOf = (all: readonly string[]) =>
  all.map((text, index) => {
    const [type = '', path = null] = text.split(' ');
    return { type: type as 'run.started', path, step: null, seq: index + 1 };
  });

function rows(more: Partial<TraceRows> = {}): TraceRows {
  return {
    ...{ taskId: 'task', definition, status: 'completed', runs: [run('a'), run('b')], events: eventsOf(types) },
    ...{ isPruned: false, taken: new Set(), ...more },
  };
}

function history(more: Partial<WorkflowHistory> = {}): WorkflowHistory {
  const ends = new Map<RunPath, SettledRunStatus>([
    ['a', 'ok'],
    ['b', 'ok'],
  ]);
  return { standing: 'completed', runs: 1, ends, foundEnded: false, carries: null, ...more };
}

const kinds = (...of: Parameters<typeof gapsBetween>) => gapsBetween(...of).map(({ kind, path }) => [kind, path]);

describe('rows beside a history', () => {
  it('agree where each says what the other says', () => {
    assert.deepEqual(kinds(rows(), history()), []);
  });

  it('disagree where one has what the other has not', () => {
    assert.deepEqual(kinds(rows({ runs: [run('a')] }), history()), [['run_missing', 'b']]);
    assert.deepEqual(kinds(rows(), history({ ends: new Map([['a', 'ok']]) })), [['run_surplus', 'b']]);
    assert.deepEqual(kinds(rows(), history({ standing: 'terminated' })), [['status', null]]);
    const differing = rows({ runs: [run('a'), run('b', 'fatal_error', 'handler_failed')] });
    assert.deepEqual(kinds(differing, history())[0], ['run_differs', 'b']);
  });

  it('agree where nobody can have reported: what was cut off, taken over, or closed by a try that died', () => {
    const none = history({ ends: new Map([['a', 'ok']]) });

    assert.deepEqual(kinds(rows({ taken: new Set(['b']) }), none), []);
    assert.deepEqual(kinds(rows(), { ...none, foundEnded: true }), []);
    const cut = rows({
      status: 'failed',
      runs: [run('a'), run('b', 'fatal_error', 'handler_cancelled')],
      isPruned: true,
    });
    assert.deepEqual(kinds(cut, { ...none, standing: 'failed' }), []);
  });

  it('disagree where a shared execution does not carry the task', () => {
    assert.deepEqual(kinds(rows(), history({ carries: ['task'], ends: new Map() })), []);
    assert.deepEqual(kinds(rows(), history({ carries: ['other'], ends: new Map() })), [['not_carried', null]]);
  });

  it('contradict themselves where an event is missing, or a run began before what it depends on had ended', () => {
    const [started = '', ...rest] = types;
    assert.ok(
      kinds(rows({ events: eventsOf(types.filter((type) => type !== 'run.completed b')) }), history()).length > 0,
    );
    const early = eventsOf([started, 'run.started b', ...rest.filter((type) => type !== 'run.started b')]);
    assert.deepEqual(kinds(rows({ events: early }), history()), [['events', 'b']]);
    assert.deepEqual(kinds(rows({ events: early, isPruned: true }), history()), []);
  });
});
