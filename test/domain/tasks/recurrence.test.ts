import assert from 'node:assert/strict';
import { Cron } from 'croner';
import fc from 'fast-check';
import {
  instantOf,
  nextOccurrence,
  RECURRENCE_INTERVALS,
  type Recurrence,
  type Repeat,
  readRecurrence,
  recurrenceOf,
  wallTimeOf,
} from '../../../domain/tasks/recurrence.ts';

const TIMEZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Pacific/Apia'];
const DAY_MS = 86_400_000;

const at = (text: string) => new Date(text);
const series = (repeat: Repeat, anchor: string): Recurrence => {
  const recurrence = recurrenceOf(repeat, at(anchor));
  assert.ok(typeof recurrence !== 'string', String(recurrence));
  return recurrence;
};
/** The first times of a series after its anchor, each computed from the one before it. */
const times = (recurrence: Recurrence, from: string, count: number): string[] => {
  const found: Date[] = [];
  for (let last = at(from); found.length < count; ) {
    const next = nextOccurrence(recurrence, { scheduledAt: last, now: last });
    assert.ok(next !== null);
    found.push(next);
    last = next;
  }
  return found.map((time) => time.toISOString());
};

const moments = fc.date({ min: at('2020-01-01T00:00:00Z'), max: at('2035-12-31T00:00:00Z'), noInvalidDate: true });
const intervals = fc.record({
  every: fc.constantFrom(...RECURRENCE_INTERVALS),
  timezone: fc.constantFrom(...TIMEZONES),
});

describe('the next time of a series', () => {
  it('C027: keeps the day of the month, or takes the last one of a shorter month', () => {
    assert.deepEqual(times(series('monthly', '2028-01-31T09:00:00Z'), '2028-01-31T09:00:00Z', 4), [
      '2028-02-29T09:00:00.000Z',
      '2028-03-31T09:00:00.000Z',
      '2028-04-30T09:00:00.000Z',
      '2028-05-31T09:00:00.000Z',
    ]);
  });

  it('C027: keeps the time of day when clocks are changed', () => {
    const daily = series({ every: 'daily', timezone: 'Europe/Berlin' }, '2026-03-27T08:00:00Z');

    assert.deepEqual(times(daily, '2026-03-27T08:00:00Z', 3), [
      '2026-03-28T08:00:00.000Z',
      '2026-03-29T07:00:00.000Z',
      '2026-03-30T07:00:00.000Z',
    ]);
    assert.deepEqual(times(daily, '2026-10-24T07:00:00Z', 2), ['2026-10-25T08:00:00.000Z', '2026-10-26T08:00:00.000Z']);
  });

  it('C027: comes later where clocks are put forward over it, and once where they show it twice', () => {
    const daily = series({ every: 'daily', timezone: 'Europe/Berlin' }, '2026-03-28T01:30:00Z');

    assert.deepEqual(times(daily, '2026-03-28T01:30:00Z', 2), ['2026-03-29T01:30:00.000Z', '2026-03-30T00:30:00.000Z']);
    assert.deepEqual(times(daily, '2026-10-24T00:30:00Z', 2), ['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z']);
  });

  it('C027: skips what passed meanwhile instead of catching up', () => {
    const weekly = series('weekly', '2026-01-05T10:00:00Z');

    const next = nextOccurrence(weekly, { scheduledAt: at('2026-01-05T10:00:00Z'), now: at('2026-03-01T00:00:00Z') });

    assert.equal(next?.toISOString(), '2026-03-02T10:00:00.000Z');
  });

  it('is the same however long the task ran, as long as it ended before that time', () => {
    const daily = series('daily', '2026-01-05T10:00:00Z');
    const scheduledAt = at('2026-01-07T10:00:00Z');

    const ends = ['2026-01-07T10:00:01Z', '2026-01-08T09:59:59Z'].map((now) =>
      nextOccurrence(daily, { scheduledAt, now: at(now) })?.toISOString(),
    );

    assert.deepEqual(ends, ['2026-01-08T10:00:00.000Z', '2026-01-08T10:00:00.000Z']);
  });

  it('lies after the one before it and after now, at the time of day of the first, and none lies between', () => {
    fc.assert(
      fc.property(intervals, moments, moments, moments, (repeat, anchor, scheduledAt, now) => {
        const recurrence = series(repeat, anchor.toISOString());
        const next = nextOccurrence(recurrence, { scheduledAt, now });
        assert.ok(next !== null);
        const after = Math.max(scheduledAt.getTime(), now.getTime(), anchor.getTime());
        assert.ok(next.getTime() > after);
        const longest = { daily: DAY_MS, weekly: 7 * DAY_MS, monthly: 31 * DAY_MS }[repeat.every];
        // Apia skipped a whole day once, before these years; Lord Howe moves by half an hour, the others by one.
        assert.ok(next.getTime() - after <= longest + 2 * 3_600_000);
        const [first, found] = [anchor, next].map((time) => wallTimeOf(time, repeat.timezone) % DAY_MS);
        const moved = Math.abs((first ?? 0) - (found ?? 0));
        assert.ok([0, 1_800_000, 3_600_000].some((change) => moved === change || moved === DAY_MS - change));
      }),
    );
  });

  it('leads through the same times whether they are taken one by one or after a break', () => {
    fc.assert(
      fc.property(intervals, moments, fc.integer({ min: 1, max: 40 }), (repeat, anchor, count) => {
        const recurrence = series(repeat, anchor.toISOString());
        const all = times(recurrence, anchor.toISOString(), count + 1).map(at);
        const before = all[count - 1] ?? anchor;
        const direct = nextOccurrence(recurrence, { scheduledAt: anchor, now: before });
        assert.equal(direct?.getTime(), all[count]?.getTime());
      }),
      { numRuns: 50 },
    );
  });

  it('follows cron patterns in their time zone', () => {
    const mornings = series({ cron: '30 8 * * MON-FRI', timezone: 'America/New_York' }, '2026-03-06T00:00:00Z');

    assert.deepEqual(times(mornings, '2026-03-06T00:00:00Z', 3), [
      '2026-03-06T13:30:00.000Z',
      '2026-03-09T12:30:00.000Z',
      '2026-03-10T12:30:00.000Z',
    ]);
    fc.assert(
      fc.property(moments, fc.constantFrom(...TIMEZONES), (now, timezone) => {
        const next = nextOccurrence(
          { cron: '*/7 3 * * *', timezone },
          { scheduledAt: at('2020-01-01T00:00:00Z'), now },
        );
        assert.ok(next !== null && next > now);
        assert.ok(new Cron('*/7 3 * * *', { timezone }).match(next) || timezone !== 'UTC');
      }),
    );
  });

  it('comes, for a pattern with one time a day, once a day also where the clocks skip or repeat that time', () => {
    const daily = (cron: string, timezone = 'Europe/Berlin') => series({ cron, timezone }, '2026-01-01T00:00:00Z');

    assert.deepEqual(times(daily('30 2 * * *'), '2026-03-28T12:00:00Z', 2), [
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ]);
    assert.deepEqual(times(daily('0 0 * * *', 'Asia/Beirut'), '2026-03-28T12:00:00Z', 2), [
      '2026-03-28T22:00:00.000Z',
      '2026-03-29T21:00:00.000Z',
    ]);
    assert.deepEqual(times(daily('30 2 * * *'), '2026-10-24T12:00:00Z', 2), [
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ]);
  });

  it('leaves out, for a pattern with steps or stars, what the clocks skip, and repeats what they repeat', () => {
    const half = series({ cron: '*/30 2 * * *', timezone: 'Europe/Berlin' }, '2026-01-01T00:00:00Z');
    const hourly = series({ cron: '0 * * * *', timezone: 'Europe/Berlin' }, '2026-01-01T00:00:00Z');

    assert.deepEqual(times(half, '2026-03-28T12:00:00Z', 1), ['2026-03-30T00:00:00.000Z']);
    assert.deepEqual(times(half, '2026-10-24T12:00:00Z', 5), [
      '2026-10-25T00:00:00.000Z',
      '2026-10-25T00:30:00.000Z',
      '2026-10-25T01:00:00.000Z',
      '2026-10-25T01:30:00.000Z',
      '2026-10-26T01:00:00.000Z',
    ]);
    assert.deepEqual(times(hourly, '2026-03-29T00:30:00Z', 2), [
      '2026-03-29T01:00:00.000Z',
      '2026-03-29T02:00:00.000Z',
    ]);
    assert.deepEqual(times(hourly, '2026-10-25T00:30:00Z', 2), [
      '2026-10-25T01:00:00.000Z',
      '2026-10-25T02:00:00.000Z',
    ]);
  });

  it('is none when the pattern never occurs again', () => {
    const stored: Recurrence = { cron: '0 0 30 2 *', timezone: 'UTC' };

    assert.equal(
      nextOccurrence(stored, { scheduledAt: at('2026-01-01T00:00:00Z'), now: at('2026-01-01T00:00:00Z') }),
      null,
    );
  });
});

describe('a recurrence', () => {
  it('is refused with a sentence when it cannot be used', () => {
    const cases: [unknown, RegExp][] = [
      ['hourly', /must be daily, weekly, monthly/],
      [{ every: 'daily', timezone: 'Mars/Phobos' }, /time zone "Mars\/Phobos" is unknown/],
      [{ cron: '0 9 * * * *' }, /not a cron pattern of five fields/],
      [{ cron: '61 9 * * *' }, /not a cron pattern/],
      [{ cron: '0 0 31 2 *' }, /never occurs/],
      [{ cron: '0 '.repeat(200) }, /longer than 255/],
      [{}, /must be/],
      [7, /must be/],
    ];
    for (const [repeat, sentence] of cases) {
      assert.match(String(recurrenceOf(repeat as Repeat, at('2026-01-01T00:00:00Z'))), sentence);
    }
  });

  it('is read back from a row as it was written, and damaged rows hold none', () => {
    fc.assert(
      fc.property(intervals, moments, (repeat, anchor) => {
        const recurrence = series(repeat, anchor.toISOString());
        assert.deepEqual(readRecurrence(JSON.parse(JSON.stringify(recurrence))), recurrence);
      }),
    );
    for (const damaged of [
      null,
      'daily',
      {},
      { every: 'daily' },
      { every: 'daily', timezone: 'UTC', anchor: 'soon' },
    ]) {
      assert.equal(readRecurrence(damaged), null);
    }
  });
});

describe('the time on the wall', () => {
  it('and its instant lead back to each other, except in the hour that is skipped', () => {
    fc.assert(
      fc.property(moments, fc.constantFrom(...TIMEZONES), (instant, timezone) => {
        const wall = wallTimeOf(instant, timezone);
        const back = instantOf(wall, timezone);
        assert.equal(wallTimeOf(back, timezone), wall);
        assert.ok(back <= instant && instant.getTime() - back.getTime() <= 3_600_000);
      }),
    );
  });
});
