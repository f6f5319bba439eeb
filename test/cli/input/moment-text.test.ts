import assert from 'node:assert/strict';
import { comingMoment, pastMoment, readSpan, readTime } from '../../../cli/input/option-values.ts';

describe('a time on the command line', () => {
  const zone = process.env.TZ;
  before(() => {
    process.env.TZ = 'Europe/Berlin';
  });
  after(() => {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });

  const times: [text: string, instant: string | null][] = [
    ['2027-02-28', '2027-02-27T23:00:00.000Z'],
    ['2027-07-01', '2027-06-30T22:00:00.000Z'],
    ['2027-02-28T09:00', '2027-02-28T08:00:00.000Z'],
    ['2027-02-28 09:00:30', '2027-02-28T08:00:30.000Z'],
    ['2027-02-28T09:00Z', '2027-02-28T09:00:00.000Z'],
    ['2027-02-28T09:00:00.5+05:30', '2027-02-28T03:30:00.500Z'],
    ['2028-02-29T23:59-08:00', '2028-03-01T07:59:00.000Z'],
    ['2027-03-28T02:30', '2027-03-28T01:30:00.000Z'],
    ['2027-10-31T02:30', '2027-10-31T00:30:00.000Z'],
    ['2027-02-30', null],
    ['2027-02-29T09:00', null],
    ['2027-04-31T09:00Z', null],
    ['2027-13-01', null],
    ['2027-00-10', null],
    ['2027-01-01T24:00', null],
    ['2027-01-01T12:60', null],
    ['2027-01-01T12:00:60', null],
    ['2027-01-01T12', null],
    ['2027-01-01T12:00+25:00', null],
    ['2027-01-01Z', null],
    ['2027-1-1', null],
    ['1/2/2027', null],
    ['2027-01-01 noon', null],
    ['20270101', null],
    ['', null],
  ];
  for (const [text, instant] of times) {
    it(`"${text}" is ${instant ?? 'refused'} where the clocks show Berlin's time`, () => {
      assert.equal(readTime(text)?.toISOString() ?? null, instant);
    });
  }

  it('may be a length of time, in one unit and whole', () => {
    assert.deepEqual(['30s', '5m', '2h', ' 7d '].map(readSpan), [30_000, 300_000, 7_200_000, 604_800_000]);
    for (const text of ['1h30', '1h30m', '-2h', '+2h', '1.5h', '1e3s', '2', 'h', '1234567d', '2 h', '2H', '٣h']) {
      assert.equal(readSpan(text), null, text);
    }
  });

  it('is refused in one sentence where it lies before 1970 or does not exist', () => {
    for (const text of ['999999d', '1969-12-31', '2027-02-30', 'soon']) {
      assert.throws(() => pastMoment(text), { message: /^Expected how long ago, .* that exists, like / });
    }
    assert.throws(() => comingMoment('2027-02-30'), { message: /^Expected in how long, .* that exists, like / });
  });
});
