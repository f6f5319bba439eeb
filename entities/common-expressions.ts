import { type Expression, expressionBuilder, sql } from 'kysely';
import type { Tables } from './tables.ts';

const eb = expressionBuilder<Tables, never>();

/** A word as a literal: with a parameter, a prepared plan could not use the indexes that hold some words only. */
export const literal = <Word extends string>(word: Word) => sql.lit(word);

/** The database's time, at which the transaction began. */
export const now = () => eb.fn<Date>('now');

/** A length of time of so many seconds. */
const interval = (seconds: Seconds) => {
  const none = sql.lit(0);
  const given = typeof seconds === 'number' ? eb.val(seconds) : seconds;
  return eb.fn<Date>('make_interval', [none, none, none, none, none, none, given]);
};
type Seconds = number | Expression<number>;

/** So many seconds before {@link now}. */
export const ago = (seconds: Seconds) => eb(now(), '-', interval(seconds));

/** So many seconds after {@link now}. */
export const ahead = (seconds: Seconds) => eb(now(), '+', interval(seconds));

/** A list as one parameter, to compare with: the text of the statement does not depend on its length. */
export const anyOf = <Value>(values: readonly Value[]) => eb.fn.any(eb.val([...values]));

/** A moment as messages carry it: in UTC and with its microseconds, which a `Date` would lose. */
export const momentText = <Moment extends Date | null>(moment: Expression<Moment>) => {
  const utc = eb.fn('timezone', [literal('UTC'), moment]);
  return eb.fn<Moment extends Date ? string : null>('to_char', [utc, literal('YYYY-MM-DD"T"HH24:MI:SS.US"Z"')]);
};

/** Waits until nobody else in the cluster holds this word, and holds it until the transaction ends. */
export const takesTurn = (word: Expression<string>) =>
  eb.fn('pg_advisory_xact_lock', [eb.fn('hashtextextended', [word, sql.lit(0)])]);
