import { fullYear, type KnownDate, type NumericDate, type Stamp, twoDigits } from './stamp.ts';

/** Which of the three numbers of a date is which. */
export type DateOrder = 'day-month-year' | 'month-day-year' | 'year-month-day';

const ORDERS: readonly DateOrder[] = ['day-month-year', 'month-day-year', 'year-month-day'];
const DAY_MS = 86_400_000;

export interface ReadTimes {
  /** One for each stamp: `2024-03-12T09:15:03` with the zone where the source has it, `09:15`, or the source's words. */
  readonly times: readonly (string | null)[];
  /** The order that was taken where the dates of the source allow more than one reading; null otherwise. */
  readonly assumed: DateOrder | null;
}

/**
 * Settles what the dates of one source mean, all in the same order. Orders that make no date are out; of the rest the
 * one in which time runs backwards least and which covers the shortest time is taken, then the usual one.
 */
export function readTimes(stamps: readonly (Stamp | null)[]): ReadTimes {
  const dates = stamps.flatMap((stamp) => (stamp?.date != null && 'numbers' in stamp.date ? [stamp.date] : []));
  const { order, assumed } = chooseOrder(dates);
  return { times: stamps.map((stamp) => (stamp === null ? null : timeOf(stamp, order))), assumed };
}

function chooseOrder(dates: readonly NumericDate[]): { order: DateOrder; assumed: DateOrder | null } {
  const distinct = dates.filter(({ numbers }, at) => `${dates[at - 1]?.numbers}` !== `${numbers}`);
  const possible = ORDERS.filter((order) => distinct.every((date) => isDate(inOrder(date, order))));
  const likely: DateOrder = dates[0]?.likely === 'month-first' ? 'month-day-year' : 'day-month-year';
  const ranked = possible
    .map((order) => ({
      order,
      ...strain(distinct, order),
      rare: rarity(order, distinct),
      unlikely: Number(order !== likely),
    }))
    .sort(
      (one, other) =>
        one.backwards - other.backwards ||
        one.rare - other.rare ||
        one.span - other.span ||
        one.unlikely - other.unlikely,
    );
  const [best, second] = ranked;
  const equal = (keys: readonly ('backwards' | 'rare' | 'span')[]) =>
    keys.every((key) => best?.[key] === second?.[key]);
  const open = best !== undefined && second !== undefined && equal(['backwards', 'rare', 'span']);
  const same = open && distinct.every((date) => dayOf(date, best.order) === dayOf(date, second.order));
  const order = best?.order ?? likely;
  return { order, assumed: open && !same ? order : null };
}

/** A year of two digits in front, or a month in front without slashes. */
function rarity(order: DateOrder, dates: readonly NumericDate[]): number {
  if (order === 'year-month-day') return Number(dates.some(({ firstDigits }) => firstDigits < 4));
  return Number(order === 'month-day-year' && dates.some(({ slashes }) => !slashes));
}

function strain(dates: readonly NumericDate[], order: DateOrder): { backwards: number; span: number } {
  let backwards = 0;
  let previous = Number.NEGATIVE_INFINITY;
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const date of dates) {
    const day = dayOf(date, order);
    if (day < previous) backwards++;
    [first, last, previous] = [Math.min(first, day), Math.max(last, day), day];
  }
  return { backwards, span: last - first };
}

function dayOf(date: NumericDate, order: DateOrder): number {
  const { year, month, day } = inOrder(date, order);
  return Date.UTC(year ?? 0, month - 1, day) / DAY_MS;
}

function inOrder({ numbers: [first, second, third], firstDigits }: NumericDate, order: DateOrder): KnownDate {
  if (firstDigits === 4 || order === 'year-month-day') return { year: fullYear(first), month: second, day: third };
  const [day, month] = order === 'day-month-year' ? [first, second] : [second, first];
  return { year: fullYear(third), month, day };
}

function isDate({ year, month, day }: KnownDate): boolean {
  const date = new Date(Date.UTC(year ?? 2024, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day && (year ?? 2024) < 2100;
}

function timeOf({ date, clock, zone, source }: Stamp, order: DateOrder): string {
  const known = date !== null && 'numbers' in date ? inOrder(date, order) : date;
  // Today and yesterday have no date to count from.
  if (known === null) return clock === null || /^(?:Today|Yesterday)/.test(source) ? source : clock;
  if (known.year === null || !isDate(known)) return source;
  const day = `${String(known.year).padStart(4, '0')}-${twoDigits(known.month)}-${twoDigits(known.day)}`;
  return clock === null ? day : `${day}T${clock}${zone ?? ''}`;
}
