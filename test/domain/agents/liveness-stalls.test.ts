import assert from 'node:assert/strict';
import {
  EVENT_LOOP_LAG_MS,
  isOwnStall,
  LOOP_OVERDUE_MS,
  type ProcessVitals,
  stallsOf,
  UNTAKEN_MS,
} from '../../../domain/agents/liveness-stalls.ts';

const HEALTHY: ProcessVitals = {
  eventLoopLagMs: EVENT_LOOP_LAG_MS,
  loops: [{ name: 'dispatcher', overdueMs: LOOP_OVERDUE_MS }],
  temporal: { run: 'RUNNING', workflows: 'POLLING', activities: 'POLLING' },
  untakenMs: UNTAKEN_MS,
  heldPlaces: 0,
  repeating: [],
};

const kinds = (vitals: Partial<ProcessVitals>) => stallsOf({ ...HEALTHY, ...vitals }).map(({ kind }) => kind);

describe('a process that does not get on', () => {
  it('is none up to each limit', () => {
    assert.deepEqual(stallsOf(HEALTHY), []);
  });

  it('F11: has each of its reasons named', () => {
    assert.deepEqual(kinds({ eventLoopLagMs: EVENT_LOOP_LAG_MS + 1 }), ['event_loop_blocked']);
    assert.deepEqual(kinds({ loops: [{ name: 'relay', overdueMs: LOOP_OVERDUE_MS + 1 }] }), ['loop_stuck']);
    assert.deepEqual(kinds({ temporal: { ...HEALTHY.temporal, run: 'FAILED' } }), ['worker_not_polling']);
    assert.deepEqual(kinds({ temporal: { ...HEALTHY.temporal, workflows: 'SHUTDOWN' } }), ['worker_not_polling']);
    assert.deepEqual(kinds({ temporal: { ...HEALTHY.temporal, activities: 'FAILED' } }), ['worker_not_polling']);
    assert.deepEqual(kinds({ untakenMs: UNTAKEN_MS + 1 }), ['work_not_taken']);
    assert.deepEqual(kinds({ untakenMs: UNTAKEN_MS + 1, heldPlaces: 3 }), ['places_held']);
    assert.deepEqual(kinds({ heldPlaces: 3 }), []);
    assert.deepEqual(kinds({ repeating: [{ agent: 'critic', period: 2 }] }), ['agent_repeats']);
  });

  it('F11: is red within 15 s by its limits, the look of two seconds and the age of an answer included', () => {
    assert.ok(Math.max(LOOP_OVERDUE_MS, UNTAKEN_MS) + 2_000 + 1_000 <= 15_000);
  });

  it('is to be started again only where that helps', () => {
    const own = stallsOf({
      ...HEALTHY,
      eventLoopLagMs: EVENT_LOOP_LAG_MS + 1,
      temporal: { run: 'DRAINING', workflows: 'POLLING', activities: 'POLLING' },
      untakenMs: UNTAKEN_MS + 1,
    }).filter(isOwnStall);

    assert.deepEqual(
      own.map(({ kind }) => kind),
      ['event_loop_blocked'],
    );
  });
});
