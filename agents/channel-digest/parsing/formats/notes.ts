import type { Notice } from '../../schemas.ts';
import { readStamp } from '../dates/stamp.ts';
import { type ChatFormat, type Message, type Source, sampleOf } from '../format.ts';

/** Fewer lines say nothing about the format. */
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

/** Says that a text that was read as notes looks like something else, so that its people and times are not known. */
function unreadable({ lines }: Source): Notice[] {
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

const HEADING = /^#{1,6}\s+(?<title>\S.*)$/;
const ITEM = /^\s*(?:[-*+•]|\d{1,3}[.)])\s+(?:\[(?<box>[ xX])\]\s+)?(?<text>.+)$/;
const FENCE = /^\s*(```|~~~)/;
const RULE = /^\s*([-*_=])(\s*\1){2,}\s*$/;
const TABLE_RULE = /^(?:\|\s*)?:?--[-:|\s]*$/;
/** A short line of its own that ends in a colon, or in capitals, heads what follows in plain notes. */
const PLAIN_HEADING = /^(?:[\p{Lu}][\p{L}\p{N} '&/-]{2,40}:|[\p{Lu}][\p{Lu}\p{N} '&/-]{3,40})$/u;

/** A line of its own in front of a list heads that list. */
const LIST_HEADING = /^\p{Lu}[\p{L}\p{N}'’&/-]{1,30}(?: [\p{L}\p{N}'’&/-]{1,30}){0,3}$/u;
const OWNER_COLUMN = /^(?:who|owner|owners|assignee|assigned to|responsible|person|name)$/i;

/** The place of a line, and the next line, over one blank line at most. */
interface Place {
  readonly number: number;
  readonly next: string;
}

interface Block {
  readonly first: number;
  readonly lines: string[];
  readonly checked: boolean | undefined;
}

/** What no other format takes: notes, Markdown, prose. Says so when the text looks like the export of a program. */
export const notes: ChatFormat = {
  name: 'notes',
  recognises: () => 0.1,
  read: (source: Source) => ({ messages: parseNotes(source.lines), notices: unreadable(source) }),
};

/**
 * Reads meeting notes, Markdown or plain prose: each list item and each paragraph is one utterance, under its heading.
 * Code blocks, rules and front matter say nothing about what was discussed and are left out.
 */
function parseNotes(lines: readonly string[]): Message[] {
  const reader = new NotesReader();
  lines.forEach((line, index) => {
    reader.take(line, { number: index + 1, next: lines[index + 1]?.trim() || (lines[index + 2] ?? '') });
  });
  return reader.finish();
}

/** Holds at most one open block; a heading, a blank line or the next list item closes it. */
class NotesReader {
  private readonly messages: Message[] = [];
  private section: string | undefined;
  private open: Block | null = null;
  /** The titles of the table that is being read. */
  private columns: readonly string[] | null = null;
  /** What ends the code block or front matter that is being passed over. */
  private skippedUntil: string | null = null;

  take(line: string, { number, next }: Place): void {
    const fence = number === 1 && line.trim() === '---' ? '---' : FENCE.exec(line)?.[1];
    if (this.skippedUntil !== null)
      this.skippedUntil = line.trim().startsWith(this.skippedUntil) ? null : this.skippedUntil;
    else if (fence !== undefined) {
      this.close();
      this.skippedUntil = fence;
    } else this.takeProse(line, { number, next });
  }

  finish(): Message[] {
    this.close();
    return this.messages;
  }

  private takeProse(line: string, { number, next }: Place): void {
    const heading = headingOf(line) ?? (this.open === null ? plainHeading(line, next) : null);
    const item = ITEM.exec(line)?.groups;
    const isBlank = line.trim() === '';
    if (isBlank) this.columns = null;
    if (isBlank || RULE.test(line) || isTableRule(line)) this.close();
    else if (heading !== null) {
      this.close();
      this.section = plain(heading);
    } else if (item !== undefined) {
      this.close();
      const checked = item.box === undefined ? undefined : item.box !== ' ';
      this.open = { first: number, lines: [item.text ?? ''], checked };
    } else if (line.includes('|') && isTableRule(next)) {
      this.close();
      this.columns = cellsOf(line);
    } else if (line.trimStart().startsWith('|') || (this.columns !== null && line.includes('|')))
      this.row(line, number);
    else if (this.open === null) this.open = { first: number, lines: [line], checked: undefined };
    else this.open.lines.push(line);
  }

  /** A row as its cells in order, the assignee first. */
  private row(line: string, number: number): void {
    this.close();
    const cells = cellsOf(line);
    const owner = this.columns?.findIndex((title) => OWNER_COLUMN.test(title)) ?? -1;
    const ordered = owner < 0 ? cells : [...cells.slice(owner, owner + 1), ...cells.toSpliced(owner, 1)];
    const text = ordered.filter((cell) => cell !== '').join(' – ');
    this.open = { first: number, lines: [text], checked: undefined };
    this.close();
  }

  private close(): void {
    if (this.open === null) return;
    const { first, lines, checked } = this.open;
    const text = lines.map((line) => plain(line)).join('\n');
    const section = this.section;
    const lastLine = first + lines.length - 1;
    this.messages.push({ line: first, lastLine, speaker: null, time: null, text, automated: false, section, checked });
    this.open = null;
  }
}

function headingOf(line: string): string | null {
  const title = HEADING.exec(line)?.groups?.title?.trimEnd();
  if (title === undefined) return null;
  let end = title.length;
  while (end > 0 && title[end - 1] === '#') end--;
  return title.slice(0, end).trimEnd() || null;
}

function isTableRule(line: string): boolean {
  const trimmed = line.trim();
  return trimmed.includes('|') && TABLE_RULE.test(trimmed);
}

function plainHeading(line: string, next: string): string | null {
  const title = line.trim();
  const heads = PLAIN_HEADING.test(title) || (ITEM.test(next) && LIST_HEADING.test(title));
  return heads ? title.replace(/:$/, '') : null;
}

function cellsOf(line: string): string[] {
  const trimmed = line.trim();
  const inner = trimmed.slice(trimmed.startsWith('|') ? 1 : 0, trimmed.endsWith('|') ? -1 : undefined);
  return inner.split('|').map((cell) => cell.trim());
}

/** Text without Markdown's emphasis and link marks; what is marked has an end nearby, so that no line is read twice. */
function plain(line: string): string {
  return line
    .replace(/^\s*>+\s?/, '')
    .replace(/!?\[([^[\]]{0,300})\]\([^()]{0,2000}\)/g, '$1')
    .replace(/(\*\*|__)(.{1,300}?)\1/g, '$2')
    .replace(/(?<![\w*])[*_](\S(?:.{0,300}?\S)?)[*_](?![\w*])/g, '$1')
    .trim();
}
