import { type Draft, SECTIONS, type Section, type Statement, type Transcript } from '../schemas.ts';

/** One line of the source as the report quotes it. */
export interface SourceLine {
  readonly speaker: string | null;
  readonly text: string;
}

/** The text of each line of the source on which somebody said something. */
export function sourceText({ utterances }: Pick<Transcript, 'utterances'>): Map<number, SourceLine> {
  const lines = new Map<number, SourceLine>();
  for (const { line, lastLine, speaker: from, directTo, text } of utterances) {
    const speaker = directTo === null ? from : `${from ?? 'somebody'} (to ${directTo} alone)`;
    const parts = lastLine > line ? text.split('\n') : [text];
    parts.forEach((part, at) => {
      if (part.trim() !== '') lines.set(line + at, { speaker, text: part.replace(/\s+/g, ' ').trim() });
    });
  }
  return lines;
}

const HEADINGS: Readonly<Record<Section, string>> = {
  summary: 'Summary',
  decisions: 'Decisions',
  actions: 'Action items',
  questions: 'Open questions',
  topics: 'Topics',
  mood: 'Mood',
  participants: 'Participants',
};
/** What a section says when there is nothing to say; sections not named here are left out. */
const EMPTY: Partial<Record<Section, string>> = {
  decisions: 'No decisions were found.',
  actions: 'No action items were found.',
  questions: 'No open questions were found.',
};
/** The same where part of the talk could not be read: then nothing found does not mean that nothing was there. */
const UNREAD: Partial<Record<Section, string>> = {
  decisions: 'No decisions were found in what could be read.',
  actions: 'No action items were found in what could be read.',
  questions: 'No open questions were found in what could be read.',
};
const QUOTE_LENGTH = 240;

/** Writes a draft as Markdown: each statement with its lines as (L12), and all cited lines in full at the end. */
export function renderReport(draft: Draft, source: ReadonlyMap<number, SourceLine>): string {
  const parts = [`# ${safe(draft.title)}`];
  for (const { text } of draft.notices) parts.push(`> ${safe(text)}`);
  const isRead = draft.notices.every(({ code }) => code !== 'language' && code !== 'format');
  for (const section of SECTIONS) {
    const own = draft.statements.filter((statement) => statement.section === section);
    const empty = isRead ? EMPTY[section] : UNREAD[section];
    if (own.length > 0) parts.push(`## ${HEADINGS[section]}`, own.map(bullet).join('\n'));
    else if (empty !== undefined) parts.push(`## ${HEADINGS[section]}`, empty);
  }
  const cited = citedLines(draft.statements, source);
  if (cited.length > 0) parts.push('## Cited lines', cited.join('\n'));
  return `${parts.join('\n\n')}\n`;
}

function bullet({ text, lines }: Statement): string {
  return `- ${safe(text)} (${lines.map((line) => `L${line}`).join(', ')})`;
}

function citedLines(statements: readonly Statement[], source: ReadonlyMap<number, SourceLine>): string[] {
  const lines = [...new Set(statements.flatMap(({ lines: own }) => own))].sort((one, other) => one - other);
  return lines.flatMap((line) => {
    const found = source.get(line);
    if (found === undefined) return [];
    const text = found.text.length > QUOTE_LENGTH ? `${found.text.slice(0, QUOTE_LENGTH).trimEnd()}…` : found.text;
    return [`- L${line} ${safe(found.speaker === null ? text : `${found.speaker}: ${text}`)}`];
  });
}

/** Words of the source must stay words: no HTML, no links, images or emphasis of their own. */
function safe(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\\<[\]]/g, '\\$&')
    .replace(/\*(?=\S)|(?<=\S)\*|`/g, '\\$&');
}
