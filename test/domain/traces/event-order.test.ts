import assert from 'node:assert/strict';
import { eventOrderFaults, type OrderedEvent } from '../../../domain/traces/event-order.ts';
import type { TraceEventType } from '../../../domain/traces/events.ts';

/** Events in short: the type, and after a space the node. */
function logOf(...events: readonly string[]): readonly OrderedEvent[] {
  return events.map((event, index) => {
    const [type, nodeId = null] = event.split(' ');
    return { seq: index + 1, type: type as TraceEventType, nodeId };
  });
}

const SOUND = [
  'trace.started',
  'run.started a',
  'run.retried a',
  'artifact.written a',
  'run.started b',
  'run.completed a',
  'trace.paused',
  'trace.resumed',
  'run.skipped c',
  'run.failed b',
  'trace.failed',
];

const BROKEN: readonly [title: string, events: readonly string[], fault: RegExp][] = [
  ['a trace without an end', ['trace.started'], /one end of the trace, found 0/],
  ['two ends of a trace', ['trace.started', 'trace.failed', 'trace.completed'], /one end of the trace, found 2/],
  ['an event after the end', ['trace.started', 'trace.completed', 'run.skipped a'], /as the last event/],
  ['a start that is not first', ['run.skipped a', 'trace.started', 'trace.completed'], /as the first event/],
  ['a second start', ['trace.started', 'trace.started', 'trace.completed'], /found it again/],
  ['a run without an end', ['trace.started', 'run.started a', 'trace.completed'], /one end of "a", found 0/],
  [
    'a run that ends twice',
    ['trace.started', 'run.started a', 'run.failed a', 'run.completed a', 'trace.completed'],
    /one end of "a", found 2/,
  ],
  [
    'a run that ends before its start',
    ['trace.started', 'run.completed a', 'run.started a', 'trace.failed'],
    /start first/,
  ],
  ['a run that never started', ['trace.started', 'run.completed a', 'trace.completed'], /start 1 times, found 0/],
  ['a skipped run that started', ['trace.started', 'run.started a', 'run.skipped a', 'trace.failed'], /start 0 times/],
  [
    'a retry after the end',
    ['trace.started', 'run.started a', 'run.failed a', 'run.retried a', 'trace.failed'],
    /nothing of "a" after its end/,
  ],
];

describe('eventOrderFaults', () => {
  it('C006: finds nothing wrong in a sound log', () => {
    assert.deepEqual(eventOrderFaults(logOf(...SOUND)), []);
  });

  for (const [title, events, fault] of BROKEN) {
    it(`C006: names ${title}`, () => {
      assert.match(eventOrderFaults(logOf(...events)).join('\n'), fault);
    });
  }

  it('C006: names a gap and a repetition in the sequence', () => {
    const log = logOf(...SOUND);

    assert.match(eventOrderFaults(log.filter(({ seq }) => seq !== 7)).join(), /Expected event 7 next, found 8/);
    assert.match(eventOrderFaults(log.toSpliced(1, 0, ...log.slice(0, 1))).join(), /Expected event 2 next, found 1/);
  });
});
