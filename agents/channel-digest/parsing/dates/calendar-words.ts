/** The languages in which chat programs write dates. */
const LANGUAGES = (
  'af am ar az be bg bn bs ca cs da de el en en-GB en-IN es es-CO es-MX et eu fa fi fil fr ga gl gu ha he hi hr hu hy ' +
  'id is it ja ka kk km kn ko ky lo lt lv mk ml mn mr ms my nb ne nl pa pl ps pt pt-PT ro ru si sk sl sq sr sv sw ta ' +
  'te th tr uk ur uz vi zh zh-Hant zu'
).split(' ');
const MORNING = new Date(Date.UTC(2024, 0, 15, 9));
const EVENING = new Date(Date.UTC(2024, 0, 15, 21));

/** Which half of the day a word names; `noon` is the hours around twelve. */
export type DayPeriod = 'am' | 'pm' | 'noon';

interface CalendarWords {
  readonly periods: ReadonlyMap<string, DayPeriod>;
  /** 1 to 12. */
  readonly months: ReadonlyMap<string, number>;
}

/** Chinese programs name finer parts of the day than the library knows. */
const CHINESE: ReadonlyArray<readonly [string, DayPeriod]> = [
  ...['凌晨', '清晨', '早上', '早晨', '上午'].map((word) => [word, 'am'] as const),
  ['中午', 'noon'],
  ...['下午', '傍晚', '晚上', '夜晚', '夜間'].map((word) => [word, 'pm'] as const),
];

let shared: CalendarWords | undefined;

/** The half of the day that a word such as "PM", "p. m.", "오후" or "م" names; null when it is no such word. */
export function dayPeriod(word: string): DayPeriod | null {
  return words().periods.get(folded(word)) ?? null;
}

/** The month that a word names in any of the languages, 1 to 12; null when it is no such word. */
export function monthNumber(word: string): number | null {
  return words().months.get(folded(word)) ?? null;
}

/** Built at its first use, from the language data that comes with Node. */
function words(): CalendarWords {
  shared ??= { periods: new Map([...LANGUAGES.flatMap(periodsOf), ...CHINESE]), months: monthsOfAll() };
  return shared;
}

function periodsOf(language: string): Array<readonly [string, DayPeriod]> {
  const clock = new Intl.DateTimeFormat(language, { hour: 'numeric', hour12: true, timeZone: 'UTC' });
  const word = (time: Date) => clock.formatToParts(time).find(({ type }) => type === 'dayPeriod')?.value;
  const [morning, evening] = [word(MORNING), word(EVENING)];
  if (morning === undefined || evening === undefined || folded(morning) === folded(evening)) return [];
  return [
    [folded(morning), 'am'],
    [folded(evening), 'pm'],
  ];
}

/** English comes last: where a short form means different months in two languages, it wins. */
function monthsOfAll(): Map<string, number> {
  return new Map([...LANGUAGES.filter((language) => language !== 'en'), 'en'].flatMap(monthsOf));
}

function monthsOf(language: string): Array<[string, number]> {
  return (['long', 'short'] as const).flatMap((month) => {
    const format = new Intl.DateTimeFormat(language, { day: 'numeric', month, calendar: 'gregory', timeZone: 'UTC' });
    return Array.from({ length: 12 }, (_, index): [string, number] => {
      const parts = format.formatToParts(new Date(Date.UTC(2024, index, 15)));
      return [folded(parts.find(({ type }) => type === 'month')?.value ?? ''), index + 1];
    }).filter(([word]) => /^\p{L}{3}/u.test(word));
  });
}

function folded(word: string): string {
  return word.toLowerCase().replace(/[\s.'’"״׳]/gu, '');
}
