import { dayPeriod, monthNumber } from './calendar-words.ts';

/** Three numbers of a date in the order in which the source has them; which is the day is not known yet. */
export interface NumericDate {
  readonly numbers: readonly [number, number, number];
  /** How many digits the first number has: four are a year. */
  readonly firstDigits: number;
  /** Whether slashes part them: with other signs the month never comes first. */
  readonly slashes: boolean;
  /** What a reader expects where nothing else decides. */
  readonly likely: 'day-first' | 'month-first';
}

/** A date whose month the source names, or that is written year first with four digits. */
export interface KnownDate {
  /** Null where the source leaves it out. */
  readonly year: number | null;
  readonly month: number;
  readonly day: number;
}

/** A date and a time of day in a line. At least one of the two is there. */
export interface Stamp {
  /** Position behind the stamp. */
  readonly end: number;
  /** The words of the source. */
  readonly source: string;
  readonly date: NumericDate | KnownDate | null;
  /** `HH:MM` or `HH:MM:SS`, of 24 hours; null where the source gives only the day. */
  readonly clock: string | null;
  /** `Z` or `+HH:MM`; null where the source does not say it. */
  readonly zone: string | null;
}

/** No stamp is longer. What follows is not looked at, so that reading a line costs the same however long it is. */
const LONGEST = 64;

const NUMERIC =
  /(\d{1,4})(?: ?[./-] ?|[年년] ?)(\d{1,2})(?: ?[./-] ?|[月월] ?)(\d{1,4})(?:[日일]|\.(?!\d)| ?г\.?)?(?: ?(?:.曜日|星期.|.요일))?(?: (?:BE|AD|CE)\b)?(?!\d)/y;
const DAY_MONTH =
  /(?:\p{L}{2,12}\.?,? )?(\d{1,2})\.?(?: de)?[ -](\p{L}[\p{L}\p{M}]{2,13})\.?(?: de)?[ ,-]{1,2}(\d{2,4})(?: г\.)?/uy;
const MONTH_DAY = /(?:\p{L}{2,12}\.?,? )?(\p{L}[\p{L}\p{M}]{2,13})\.? {1,2}(\d{1,2})(?:, ?(\d{4})\b)?/uy;
const RELATIVE = /(?:Today|Yesterday)(?: at)?(?:,? )/y;
const CLOCK = /(\d{1,2}) ?[:.時时시] ?(\d{2})(?: ?[:.分분] ?(\d{2}))?[분秒초]?(?:[.,]\d{1,9})?/y;
/** What some languages write behind an hour. */
const HOUR_WORD = / ?(?:Uhr|ч\.?|hrs?|h)(?![\p{L}\p{N}])/uy;
const ZONE = / ?(Z\b|UTC\b|GMT\b|[+-]\d{2}:?\d{2}\b)/y;
const WORD = / ?([\p{L}\p{M}.'’"״]{1,16})/uy;
const GAP = /T(?=\d)|[ ,،、]{0,3}/y;
const AT = /\p{L}{1,5}\.? /uy;
const TRAILING_YEAR = /(?: [A-Z]{3,4})? (\d{4})\b/y;

/** Reads the stamp that begins at a position of a line, whatever its language and digits; null when none does. */
export function readStamp(line: string, from = 0): Stamp | null {
  const head = line.slice(from, from + LONGEST);
  const text = /\P{ASCII}/u.test(head) ? asciiDigits(head).replace(/[\u202F\u00A0]/g, ' ') : head;
  const found = dateFirst(text) ?? timeFirst(text);
  return found === null ? null : { ...found, end: from + found.end, source: line.slice(from, from + found.end).trim() };
}

type Found = Omit<Stamp, 'source'>;
type Dated = Pick<Stamp, 'end' | 'date'>;

function dateFirst(text: string): Found | null {
  const dated = dateAt(text, 0);
  if (dated === null) return null;
  const clock = clockAfter(text, dated.end);
  const { date } = dated;
  if (clock === null) return date === null ? null : { ...withYear(text, dated.end, date), clock: null, zone: null };
  if (date === null || 'numbers' in date || date.year !== null) {
    return { end: clock.end, date: hinted(date, clock.american), clock: clock.clock, zone: clock.zone };
  }
  return { clock: clock.clock, zone: clock.zone, ...withYear(text, clock.end, date) };
}

/** `Tue Mar 12 09:15:00 2024` has its year at the end. */
function withYear(text: string, end: number, date: NumericDate | KnownDate): { end: number; date: Stamp['date'] } {
  const year = 'numbers' in date || date.year !== null ? null : matchAt(TRAILING_YEAR, text, end);
  return year === null || 'numbers' in date
    ? { end, date }
    : { end: year.end, date: { ...date, year: Number(year.groups[1]) } };
}

function timeFirst(text: string): Found | null {
  const clock = clockAt(text, 0);
  if (clock === null) return null;
  const dated = dateAt(text, (matchAt(GAP, text, clock.end) ?? clock).end);
  const plain = { end: clock.end, date: null, clock: clock.clock, zone: clock.zone };
  return dated === null || dated.date === null
    ? plain
    : { ...plain, end: dated.end, date: hinted(dated.date, clock.american) };
}

/** Today and yesterday are dates without a value. */
function dateAt(text: string, at: number): Dated | null {
  const numeric = matchAt(NUMERIC, text, at);
  if (numeric !== null) return numericDate(numeric);
  const relative = matchAt(RELATIVE, text, at);
  if (relative !== null) return { end: relative.end, date: null };
  const dayMonth = matchAt(DAY_MONTH, text, at);
  const month = monthNumber(dayMonth?.groups[2] ?? '');
  if (dayMonth !== null && month !== null)
    return { end: dayMonth.end, date: known(fullYear(Number(dayMonth.groups[3])), month, Number(dayMonth.groups[1])) };
  const monthDay = matchAt(MONTH_DAY, text, at);
  const first = monthNumber(monthDay?.groups[1] ?? '');
  if (monthDay === null || first === null) return null;
  const year = monthDay.groups[3];
  return {
    end: monthDay.end,
    date: known(year === undefined ? null : Number(year), first, Number(monthDay.groups[2])),
  };
}

function known(year: number | null, month: number, day: number): KnownDate {
  return { year, month, day };
}

function numericDate({ end, groups }: Matched): Dated | null {
  const [first = '', second = '', third = ''] = groups.slice(1);
  if (first.length === 3 || third.length === 3 || (first.length < 3 && third.length === 1)) return null;
  const numbers = [Number(first), Number(second), Number(third)] as const;
  const isDate = numbers[0] > 0 && numbers[1] > 0 && numbers[2] >= 0 && (numbers[0] <= 31 || first.length === 4);
  // Only American programs leave the zero out of 3/9/24 and use slashes.
  const slashes = (groups[0] ?? '').includes('/');
  const american = slashes && !first.startsWith('0') && !second.startsWith('0');
  const likely = american ? 'month-first' : 'day-first';
  return isDate ? { end, date: { numbers, firstDigits: first.length, slashes, likely } } : null;
}

/** Slashes with no zeros and a capital AM or PM are American; with any other clock the day comes first. */
function hinted(date: Stamp['date'], american: boolean): Stamp['date'] {
  return date !== null && 'numbers' in date && !american ? { ...date, likely: 'day-first' } : date;
}

interface Clock {
  readonly end: number;
  readonly clock: string;
  readonly zone: string | null;
  readonly american: boolean;
}

function clockAfter(text: string, at: number): Clock | null {
  const start = (matchAt(GAP, text, at) ?? { end: at }).end;
  if (start === at && at > 0 && text[at - 1] !== ' ') return null;
  const direct = clockAt(text, start);
  if (direct !== null) return direct;
  const word = matchAt(AT, text, start);
  return word === null ? null : clockAt(text, word.end);
}

function clockAt(text: string, at: number): Clock | null {
  const before = periodAt(text, at);
  const start = before === null ? at : before.end + (text[before.end] === ' ' ? 1 : 0);
  const found = matchAt(CLOCK, text, start);
  if (found === null) return null;
  const after = before === null ? periodAt(text, found.end) : null;
  const end = after?.end ?? matchAt(HOUR_WORD, text, found.end)?.end ?? found.end;
  const [hour, minute, second] = found.groups.slice(1).map(Number);
  const zone = matchAt(ZONE, text, end);
  const runsOn = /[\p{L}\p{N}]/u.test(text[zone?.end ?? end] ?? '');
  if (hour === undefined || minute === undefined || hour > 24 || minute > 59 || runsOn) return null;
  const period = before?.period ?? after?.period ?? null;
  const parts = [inDay(hour, period), minute, ...(found.groups[3] === undefined ? [] : [second ?? 0])];
  return {
    end: zone?.end ?? end,
    clock: parts.map(twoDigits).join(':'),
    zone: zone === null ? null : zoneOf(zone.groups[1] ?? ''),
    american: /[AP]M/.test(text.slice(found.end, end)),
  };
}

function periodAt(text: string, at: number): { end: number; period: ReturnType<typeof dayPeriod> } | null {
  const first = matchAt(WORD, text, at);
  if (first === null) return null;
  const second = matchAt(WORD, text, first.end);
  for (const end of [...(second === null ? [] : [second.end]), first.end]) {
    const period = dayPeriod(text.slice(at, end));
    if (period !== null) return { end, period };
  }
  return null;
}

function inDay(hour: number, period: ReturnType<typeof dayPeriod>): number {
  if (period === 'am' && hour === 12) return 0;
  if (period === 'pm' && hour < 12) return hour + 12;
  return period === 'noon' && hour < 6 ? hour + 12 : hour;
}

function zoneOf(text: string): string {
  return /^[+-]/.test(text) ? `${text.slice(0, 3)}:${text.slice(-2)}` : 'Z';
}

/** Two digits are a year of this century; a Buddhist year is 543 ahead. */
export function fullYear(year: number): number {
  if (year < 100) return 2000 + year;
  return year > 2400 && year < 2700 ? year - 543 : year;
}

export function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}

interface Matched {
  readonly end: number;
  readonly groups: readonly (string | undefined)[];
}

function matchAt(pattern: RegExp, text: string, at: number): Matched | null {
  pattern.lastIndex = at;
  const groups = pattern.exec(text);
  return groups === null ? null : { end: pattern.lastIndex, groups };
}

/** The zero of each script whose digits chat programs write. */
const ZEROS = [
  0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0, 0xf20, 0x1040,
  0x17e0, 0x1810, 0xff10,
];

/** The same text with the digits of all scripts as 0 to 9; every character keeps its position. */
function asciiDigits(text: string): string {
  return text
    .replaceAll('／', '/')
    .replaceAll('：', ':')
    .replace(/(?![0-9])\p{Nd}/gu, (digit) => {
      const code = digit.codePointAt(0) ?? 0;
      const zero = ZEROS.findLast((start) => start <= code);
      return zero === undefined || code > zero + 9 ? digit : String(code - zero);
    });
}
