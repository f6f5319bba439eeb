import { readStamp, type Stamp, twoDigits } from '../dates/stamp.ts';
import { type ChatFormat, sampleOf } from '../format.ts';
import { type OpenMessage, settle } from '../openings.ts';
import { withoutInvisible } from '../source-lines.ts';

/** The head of a line that is looked at to tell who speaks. */
const HEAD = 200;
/** Lines by which clients say on which day what follows was said. */
const DAY_LINE =
  /^(?:---|\*{4}|Session (?:Start|Time)[^:]{0,20}:|={3,})\s{0,3}(?:Log opened|Day changed|BEGIN LOGGING AT|Started)?\s{0,3}/i;
const LOG_LINE = /^(?:---|\*{4}\s|Session (?:Start|Time|Close|Ident)|={3,})/i;
/** `<@mara> text`: one sign before the nick is its mode. */
const SAID = /^<[ @+%&~!]{0,2}([^<>\s][^<>]{0,47})>[ \t]?(.*)$/su;
const ACTED = /^\* ?[@+%&~!]?([^\s*:][^\s:]{0,40})\s(.*)$/su;
/** What clients say themselves. */
const SYSTEM = /^(?:-!-|\*\*\*|-->|<--|--(?=\t| )|=!=|-[^\s-][^\s]{0,40}-|\*\s{0,2}(?=\S{1,40} [[(][^\s@]{1,60}@))/;
const TABBED = /^[ @+%&~!]?([^\s][^\t]{0,40})\t(.*)$/su;
/** Hexchat and mIRC write these with the same star as what people do. */
const HAPPENED =
  /^(?:has |have )?(?:joined|left|quit|parted|kicked|been kicked|changed|set|sets|gives|removes|is now known as)(?!\p{L})|^(?:is |are )?(?:now )?talking (?:on|in) [#&]/iu;

/** Bold, colours and their kin, as mIRC and others leave them in a log. */
const COLOURS = new RegExp(
  `${String.fromCharCode(3)}(?:\\d{1,2}(?:,\\d{1,2})?)?|[${String.fromCharCode(2, 15, 17, 22, 29, 30, 31)}]`,
  'g',
);

interface Line {
  readonly stamp: Stamp | null;
  /** Null for what is no talk. */
  readonly said: { readonly speaker: string; readonly text: string } | null;
}

/** Logs of irssi, weechat, hexchat, mIRC, ZNC and their kin. Joins, modes and the log's own lines are no talk. */
export const irc: ChatFormat = {
  name: 'irc',
  recognises({ lines }) {
    const sample = sampleOf(lines);
    const talk = sample.filter((line) => readLine(line)?.said != null).length;
    const system = sample.filter((line) => LOG_LINE.test(line) || readLine(line)?.said === null).length;
    return talk >= 2 && talk + system >= sample.length * 0.6 ? 0.8 : 0;
  },
  read({ lines, name }) {
    let day = dayInName(name);
    const messages = lines.flatMap((raw, index): OpenMessage[] => {
      const line = withoutInvisible(raw).replace(COLOURS, '');
      const found = LOG_LINE.test(line) ? null : readLine(line);
      if (found === null) day = dayOf(line) ?? day;
      if (found?.said == null) return [];
      const { speaker, text } = found.said;
      return [{ speaker, stamp: dated(found.stamp, day), text, body: [{ line: index + 1, text }] }];
    });
    return settle(messages);
  },
};

/** What one line holds; null when it is none of a log. */
function readLine(raw: string): Line | null {
  const bracket = /^[[(]/.test(raw) ? 1 : 0;
  const stamp = readStamp(raw.slice(0, HEAD), bracket);
  const gap = stamp === null ? '' : /^[\])]?[ \t]{0,3}/.exec(raw.slice(stamp.end))?.[0];
  const rest = raw.slice((stamp?.end ?? 0) + (gap?.length ?? 0));
  const tabbed = stamp !== null && gap?.includes('\t') === true;
  const said = SAID.exec(rest);
  if (said !== null) return { stamp, said: { speaker: (said[1] ?? '').trim(), text: said[2] ?? '' } };
  if (stamp === null) return null;
  if (SYSTEM.test(rest)) return { stamp, said: null };
  const acted = ACTED.exec(rest.replace(/^\*\t/, '* '));
  if (acted !== null) {
    const [, speaker = '', text = ''] = acted;
    return { stamp, said: HAPPENED.test(text) ? null : { speaker, text } };
  }
  const spoken = tabbed ? TABBED.exec(rest) : null;
  return spoken === null ? null : { stamp, said: { speaker: spoken[1] ?? '', text: spoken[2] ?? '' } };
}

function dayOf(line: string): Stamp | null {
  const start = DAY_LINE.exec(line.slice(0, HEAD))?.[0].length;
  return start === undefined ? null : readStamp(line.slice(0, HEAD), start);
}

/** Bouncers keep one file for each day and name it so. */
function dayInName(name: string): Stamp | null {
  const digits = /(?:^|[^\d])(20\d{2})-?([01]\d)-?([0-3]\d)(?:[^\d]|$)/.exec(name);
  return digits === null ? null : readStamp(`${digits[1]}-${digits[2]}-${digits[3]}`);
}

/** A clock takes the day of the log, and a day without a year takes the log's year. */
function dated(stamp: Stamp | null, day: Stamp | null): Stamp | null {
  if (stamp === null || day?.date == null) return stamp;
  if (stamp.date === null) return { ...stamp, date: day.date };
  if ('numbers' in stamp.date || stamp.date.year !== null) return stamp;
  const year = 'numbers' in day.date ? (day.date.numbers.find((number) => number > 1900) ?? null) : day.date.year;
  return { ...stamp, date: { ...stamp.date, year }, source: `${year}-${twoDigits(stamp.date.month)}` };
}
