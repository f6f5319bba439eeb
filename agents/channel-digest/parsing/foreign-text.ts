import type { Notice } from '../schemas.ts';
import { readStamp } from './dates/stamp.ts';
import { type Source, sampleOf } from './format.ts';

/** Fewer lines than this show nothing. */
const LEAST_LINES = 3;

const MARKUP: ReadonlyArray<readonly [RegExp, string]> = [
  [/^\s*(?:<!doctype html|<html|<head|<body|<div|<table)\b/i, 'HTML'],
  [/^\s*<\?xml\b|^\s*<[a-z][\w:-]*(?:\s[^<>]*)?>\s*$/i, 'XML'],
  [/^\{\\rtf/, 'RTF'],
  [/^%PDF-/, 'PDF'],
  [/^(?:From |Return-Path:|Received:|MIME-Version:|Delivered-To:)/, 'an e-mail'],
  [/^BEGIN:V(?:CALENDAR|CARD)/, 'a calendar or contact file'],
];

const SENDER = ['from', 'von', 'de'];
const SUBJECT = ['subject', 'betreff', 'objet', 'asunto'];
const MAIL_HEADER =
  /^\*{0,2}(from|to|cc|date|sent|subject|reply-to|message-id|von|an|datum|gesendet|betreff|de|à|objet|para|asunto|fecha)\*{0,2}:\*{0,2}\s{1,4}\S/i;
/** A date without a year and a clock, as copies of a chat window have it. */
const SHORT_DATE = /^[[(<{]?\d{1,2}[./]\d{1,2}\.?,? {1,2}\d{1,2}:\d{2}(?!\d)/;

/** Says that a text which was read as notes looks like something else: then its people and times are not known. */
export function unreadable({ lines }: Source): Notice[] {
  const what = foreignKind(lines);
  if (what === null) return [];
  const text =
    `The format was not understood: this looks like ${what}, and it was read as plain notes. ` +
    'Who said what is not known, and the digest may be wrong. Export the talk as text, JSON or CSV.';
  return [{ code: 'format', text }];
}

function foreignKind(lines: readonly string[]): string | null {
  const sample = sampleOf(lines);
  const first = (sample[0] ?? '').slice(0, 300);
  const markup = MARKUP.find(([pattern]) => pattern.test(first));
  if (markup !== undefined) return markup[1];
  if (sample.length < LEAST_LINES) return null;
  if (isMail(sample)) return 'an e-mail';
  const share = (holds: (line: string) => boolean) => sample.filter(holds).length / sample.length;
  if (share(beginsWithTime) >= 0.2) return 'a chat or a log whose lines begin with a time';
  if (share((line) => line.split('\t').length >= 3) >= 0.5) return 'a table';
  return null;
}

/** A block of headers at the very beginning, as mail programs show and print it. */
function isMail(sample: readonly string[]): boolean {
  const headers = sample.slice(0, 8).flatMap((line) => MAIL_HEADER.exec(line)?.[1]?.toLowerCase() ?? []);
  const holds = (names: readonly string[]) => names.some((name) => headers.includes(name));
  return new Set(headers).size >= 3 && MAIL_HEADER.test(sample[0] ?? '') && holds(SENDER) && holds(SUBJECT);
}

/** After any one opening sign: a clock, or a date of numbers. A heading such as "12 March" does not count. */
function beginsWithTime(line: string): boolean {
  const stamp = readStamp(line.slice(0, 80), /^[[(<{"'*|]/.test(line) ? 1 : 0);
  return (stamp !== null && stamp.clock !== null) || SHORT_DATE.test(line);
}
