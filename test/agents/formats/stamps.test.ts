import assert from 'node:assert/strict';
import { readTimes } from '../../../agents/channel-digest/parsing/dates/date-order.ts';
import { readStamp } from '../../../agents/channel-digest/parsing/dates/stamp.ts';

/** What one stamp alone is read as. */
function timeOf(text: string): string | null | undefined {
  return readTimes([readStamp(text)]).times[0];
}

describe('the dates and times of exports', () => {
  const SAME_MORNING: Record<string, string> = {
    'British, 12 hours': '12/03/2024, 9:15 AM',
    American: '3/12/24, 9:15 AM',
    German: '12.03.24, 09:15',
    'German with Uhr': '12.03.2024, 09:15 Uhr',
    Dutch: '12-03-2024 09:15',
    Swedish: '2024-03-12 09:15',
    Danish: '12.03.2024 09.15',
    Finnish: '12.3.2024 klo 9.15',
    French: '12/03/2024 à 09:15',
    Spanish: '12/3/24, 9:15',
    Colombian: '12/03/2024 9:15 a. m.',
    'Colombian with narrow spaces': '12/03/2024 9:15\u202Fa.\u00A0m.',
    Canadian: '2024-03-12, 9:15 a.m.',
    Indian: '12/03/24, 9:15 am',
    Indonesian: '12/03/24 09.15',
    Hungarian: '2024. 03. 12. 9:15',
    Croatian: '12. 03. 2024. 09:15',
    Bulgarian: '12.03.24 г., 9:15 ч.',
    'Turkish with AM': '12.03.2024 ÖÖ 9:15',
    Korean: '2024년 3월 12일 오전 9:15',
    'Korean iPhone': '2024. 3. 12. 오전 9:15',
    'Chinese, simplified': '2024/3/12 上午9:15',
    'Chinese with years in words': '2024年3月12日 上午9:15',
    Japanese: '2024/03/12 9:15',
    'Japanese with a weekday': '2024年3月12日火曜日 9:15',
    'Korean with a weekday': '2024년 3월 12일 화요일 오전 9:15',
    'German in words': 'Dienstag, 12. März 2024 um 09:15',
    'French in words': 'mardi 12 mars 2024 à 09:15',
    'Russian in words': '12 марта 2024 г., 09:15',
    'Japanese with morning': '2024/03/12 午前9:15',
    'Arabic digits': '١٢\u200F/٣\u200F/٢٠٢٤ ٩:١٥ ص'.replaceAll('\u200F', ''),
    'Arabic comma': '٢٠٢٤/٣/١٢، ٩:١٥ ص',
    'Persian digits': '۲۰۲۴/۳/۱۲،\u200F ۹:۱۵'.replace('\u200F', ''),
    'Devanagari digits': '१२/०३/२४, ९:१५ am',
    'Bengali digits': '১২/০৩/২৪, ৯:১৫ AM',
    'full-width digits': '１２/０３/２４ ０９：１５',
    'Buddhist year': '12/3/2567 09:15',
    'time first': '9:15 AM, 12/03/2024',
    'month in words': '12 Mar 2024, 09:15',
    'month in words, American': 'Mar 12, 2024, 9:15 AM',
    'month in Spanish words': '12 de marzo de 2024, 9:15',
    'month between hyphens': '12-Mar-24 09:15 AM',
    'with a weekday': 'Tuesday, March 12, 2024 at 9:15 AM',
    'as C prints it': 'Tue Mar 12 09:15 2024',
  };
  for (const [kind, text] of Object.entries(SAME_MORNING)) {
    it(`are read: ${kind}`, () => {
      assert.equal(timeOf(text), '2024-03-12T09:15');
    });
  }

  it('are read in the evening by the half of the day that every language names', () => {
    const evenings = [
      '9:15 PM',
      '9:15 p. m.',
      '9:15\u202Fpm',
      '오후 9:15',
      '下午9:15',
      '晚上9:15',
      '午後9:15',
      '٩:١٥ م',
      'ÖS 9:15',
    ];

    for (const evening of evenings) assert.equal(timeOf(evening), '21:15', evening);
    assert.deepEqual(['12:05 AM', '12:05 PM', '中午12:05'].map(timeOf), ['00:05', '12:05', '12:05']);
  });

  it('keep their seconds and zone', () => {
    assert.deepEqual(
      ['2024-03-12T09:16:05Z', '2024-03-12T09:16:05.123+01:00', 'March 12, 2024 at 9:16:05\u202FAM UTC'].map(timeOf),
      ['2024-03-12T09:16:05Z', '2024-03-12T09:16:05+01:00', '2024-03-12T09:16:05Z'],
    );
  });

  it('are not seen in words and numbers that are none', () => {
    const texts = [
      'I will do it',
      'March will be fine',
      '3 apples',
      '1:2:3',
      'May 2',
      '10:75',
      '2024 was good',
      '10:30ish',
      '',
    ];

    assert.deepEqual(
      texts.map((text) => readStamp(text)?.clock ?? null),
      texts.map(() => null),
    );
  });

  const orderOf = (...texts: string[]) => {
    const { times, assumed } = readTimes(texts.map((text) => readStamp(text)));
    return [times.at(-1)?.slice(0, 10), assumed];
  };

  it('take the one order in which all dates of a source are dates', () => {
    assert.deepEqual(orderOf('01/02/24, 9:15', '13/02/24, 9:15', '02/03/24, 9:15'), ['2024-03-02', null]);
    assert.deepEqual(orderOf('1/2/24, 9:15', '2/13/24, 9:15', '3/2/24, 9:15'), ['2024-03-02', null]);
    assert.deepEqual(orderOf('24/03/30, 9:15', '24/04/01, 9:15'), ['2024-04-01', null]);
  });

  it('take the order in which time does not run backwards, and in which little time passes', () => {
    assert.deepEqual(orderOf('30.11.24, 9:15', '01.12.24, 9:15'), ['2024-12-01', null]);
    assert.deepEqual(orderOf('11/03/24, 9:15', '12/03/24, 9:15', '01/04/24, 9:15'), ['2024-04-01', null]);
    assert.deepEqual(orderOf('3/11/24, 9:15', '3/12/24, 9:15'), ['2024-03-12', null]);
  });

  it('take the usual order where nothing decides, and say so', () => {
    assert.deepEqual(orderOf('12/03/24, 09:15'), ['2024-03-12', 'day-month-year']);
    assert.deepEqual(orderOf('3/12/24, 9:15 AM'), ['2024-03-12', 'month-day-year']);
    assert.deepEqual(orderOf('03/03/24, 09:15'), ['2024-03-03', null]);
  });
});
