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
  const share = (holds: (line: string) => boolean) => sample.filter(holds).length / sample.length;
  if (share(beginsWithTime) >= 0.2) return 'a chat or a log whose lines begin with a time';
  if (share((line) => line.split('\t').length >= 3) >= 0.5) return 'a table';
  return null;
}

/** After any one opening sign: a clock, or a date of numbers. A heading such as "12 March" does not count. */
function beginsWithTime(line: string): boolean {
  const stamp = readStamp(line.slice(0, 80), /^[[(<{"'*|]/.test(line) ? 1 : 0);
  return stamp !== null && stamp.clock !== null;
}
