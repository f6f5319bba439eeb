import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DEFAULT_RETRY, retryPolicyOf } from '../../../domain/agents/retry-policy.ts';
import {
  type AttemptCounts,
  type AttemptEnd,
  type AttemptRules,
  type AttemptVerdict,
  isGivenUp,
  isLastTry,
  MAX_LOSSES,
  NOTHING_COUNTED,
  verdictOn,
} from '../../../domain/traces/attempt.ts';
import { HandlerLost, LOSSES, type Loss, lossesNoted } from '../../../domain/traces/attempt-errors.ts';

type Rules = AttemptRules & { readonly chance: number };

const rules = (more: Partial<Rules> = {}): Rules => ({
  ...{ nodeId: 'draft', maxRetries: 1, retry: DEFAULT_RETRY, hasDeadline: false, chance: 0.5 },
  ...more,
});
const failed = (retryable = true): AttemptEnd => ({
  ...{ kind: 'failed', code: 'handler_failed', message: 'no', retryable, retryAfterMs: null },
});
const limited = (retryAfterMs: number, waitedMs = 0): AttemptEnd => ({
  ...{ kind: 'limited', message: 'Slow down.', retryAfterMs, waitedMs },
});

const losses = fc.constantFrom(...(Object.keys(LOSSES) as Loss[]));
const ends: fc.Arbitrary<AttemptEnd> = fc.oneof(
  fc.record({ kind: fc.constant('ok' as const), output: fc.constant(null), outcome: fc.constant(null) }),
  fc.record({
    kind: fc.constant('failed' as const),
    code: fc.constant('handler_failed'),
    message: fc.string(),
    retryable: fc.boolean(),
    retryAfterMs: fc.option(fc.nat(3_600_000)),
  }),
  fc.record({
    kind: fc.constant('limited' as const),
    message: fc.string(),
    retryAfterMs: fc.double({ min: 0, max: 86_400_000, noNaN: true }),
    waitedMs: fc.double({ min: 0, max: 60_000, noNaN: true }),
  }),
  fc.record({ kind: fc.constant('unhosted' as const), message: fc.string() }),
  fc.record({ kind: fc.constant('stopped' as const) }),
  fc.record({ kind: fc.constant('lost' as const), how: losses }),
);
const counts: fc.Arbitrary<AttemptCounts> = fc.record({
  failures: fc.nat(5),
  crashes: fc.nat(MAX_LOSSES),
  limitWaitMs: fc.nat(100_000_000),
});
const anyRules: fc.Arbitrary<Rules> = fc.record({
  nodeId: fc.constant('draft'),
  maxRetries: fc.nat(3),
  retry: fc
    .record({ firstMs: fc.integer({ min: 1, max: 3_600_000 }), limitWaitMs: fc.integer({ min: 1, max: 10_000_000 }) })
    .map(retryPolicyOf),
  hasDeadline: fc.boolean(),
  chance: fc.double({ min: 0, max: 1, noNaN: true }),
});

/** What the row counts after a verdict. */
function counted(before: AttemptCounts, verdict: AttemptVerdict): AttemptCounts {
  if (verdict.kind === 'retry') return { ...before, failures: before.failures + 1 };
  if (verdict.kind === 'lost') return { ...before, crashes: before.crashes + 1 };
  if (verdict.kind === 'wait') return { ...before, limitWaitMs: before.limitWaitMs + verdict.countedMs };
  return before;
}

describe('the verdict over an attempt', () => {
  it('C005: gives a node with one retry two attempts, and then ends it as a retryable error', () => {
    const first = verdictOn(failed(), NOTHING_COUNTED, rules());
    const second = verdictOn(failed(), { ...NOTHING_COUNTED, failures: 1 }, rules());

    assert.deepEqual([first.kind, second.kind === 'fail' && second.status], ['retry', 'retryable_error']);
  });

  it('C005: ends a node at once when its error would only repeat itself', () => {
    const verdict = verdictOn(failed(false), NOTHING_COUNTED, rules({ maxRetries: 3 }));

    assert.deepEqual(verdict, {
      ...{ kind: 'fail', status: 'fatal_error', failures: 1 },
      error: { code: 'handler_failed', message: 'no' },
    });
  });

  it('gives a node without retries one attempt', () => {
    const verdict = verdictOn(failed(), NOTHING_COUNTED, rules({ maxRetries: 0 }));

    assert.equal(verdict.kind === 'fail' && verdict.status, 'retryable_error');
  });

  it('lets a node wait for limits as long as it may in total, or until its task’s deadline', () => {
    const patient = rules({ retry: retryPolicyOf({ limitWaitMs: 1_000 }), chance: 0 });
    const before = { ...NOTHING_COUNTED, failures: 1, limitWaitMs: 399 };

    const fits = verdictOn(limited(500, 100), before, patient);
    const tooLong = verdictOn(limited(501, 100), before, patient);
    const untilDeadline = verdictOn(limited(501, 100), before, { ...patient, hasDeadline: true });

    assert.deepEqual(fits, { kind: 'wait', message: 'Slow down.', waitMs: 501, countedMs: 601 });
    assert.deepEqual(tooLong.kind === 'fail' && [tooLong.status, tooLong.error.code, tooLong.failures], [
      'fatal_error',
      'limit_wait_exceeded',
      1,
    ]);
    assert.equal(untilDeadline.kind, 'wait');
  });

  it('is the same for every count where nobody is at fault', () => {
    fc.assert(
      fc.property(counts, anyRules, (before, given) => {
        assert.deepEqual(verdictOn({ kind: 'stopped' }, before, given), { kind: 'give back' });
        assert.deepEqual(verdictOn({ kind: 'unhosted', message: '' }, before, given), { kind: 'give back' });
        assert.equal(verdictOn({ kind: 'ok', output: 1, outcome: null }, before, given).kind, 'complete');
      }),
    );
  });

  it('ends the run or makes one of its counts greater, for every end from every count, unless nobody is at fault', () => {
    fc.assert(
      fc.property(ends, counts, anyRules, (end, before, given) => {
        const verdict = verdictOn(end, before, given);
        const after = counted(before, verdict);

        const ended = verdict.kind === 'complete' || verdict.kind === 'fail';
        const grew = (Object.keys(before) as (keyof AttemptCounts)[]).filter((name) => after[name] > before[name]);
        const isNobodysFault = end.kind === 'stopped' || end.kind === 'unhosted';
        assert.equal(grew.length, ended || isNobodysFault ? 0 : 1);
        if ('waitMs' in verdict) assert.ok(Number.isInteger(verdict.waitMs) && verdict.waitMs >= 1);
      }),
    );
  });

  it('never leaves a run without an end, whatever its attempts come to', () => {
    const atFault = ends.filter(({ kind }) => kind !== 'stopped' && kind !== 'unhosted' && kind !== 'ok');
    fc.assert(
      fc.property(fc.infiniteStream(atFault), anyRules, (attempts, given) => {
        const withoutDeadline = { ...given, hasDeadline: false };
        const most = given.maxRetries + 1 + MAX_LOSSES + given.retry.limitWaitMs;
        let state = NOTHING_COUNTED;
        for (let number = 1; !isGivenUp(state); number += 1) {
          assert.ok(number <= most, `attempt ${number} of at most ${most}`);
          const verdict = verdictOn(attempts.next().value, state, withoutDeadline);
          if (verdict.kind === 'fail') return;
          state = counted(state, verdict);
        }
      }),
    );
  });
});

describe('lost attempts', () => {
  it('give a run up after the third, and let the one before it run in turn', () => {
    const crashes = [0, 1, 2, 3, 4].map((count) => ({ crashes: count }));

    assert.deepEqual(crashes.map(isGivenUp), [false, false, false, true, true]);
    assert.deepEqual(crashes.map(isLastTry), [false, false, true, true, true]);
  });

  it('are told by what was noted of them, and as a missed heartbeat where nothing was', () => {
    assert.deepEqual(lossesNoted(['event_loop_blocked', 'what a later release writes'], 3), [
      'heartbeat_missed',
      'heartbeat_missed',
      'event_loop_blocked',
    ]);
    assert.deepEqual(lossesNoted(['handler_crashed', 'handler_crashed', 'event_loop_blocked'], 2), [
      'handler_crashed',
      'event_loop_blocked',
    ]);
  });

  it('have the most frequent one as their verdict', () => {
    const error = new HandlerLost('draft', 'writer', ['handler_crashed', 'heartbeat_missed', 'handler_crashed']);

    assert.equal(error.code, 'handler_crashed');
    assert.match(error.message, /^writer was given up: 2 workers died .* And 1 attempts missed/);
  });
});
