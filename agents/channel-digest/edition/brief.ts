import { statementsOf } from '../report/compose.ts';
import { sourceText } from '../report/render.ts';
import type { Findings, Statement, Transcript } from '../schemas.ts';

/** Of the talk that a model reads, in characters: some 15,000 tokens. */
const MOST_TALK = 60_000;
/** Statements that a model chooses from. */
const MOST_CANDIDATES = 200;

/** The talk line by line, `12 jonas: …`. Of a long one the lines that the analysts cite, and the first others there is room for. */
export function talkOf(transcript: Transcript, findings: Findings): string {
  const cited = new Set([...statementsOf(findings), ...findings.highlights].flatMap(({ lines }) => lines));
  const lines = [...sourceText(transcript)].map(([line, { speaker, text }]) => {
    return { line, text: `${line} ${speaker === null ? '' : `${speaker}: `}${text}` };
  });
  const taken = new Set<number>();
  let room = MOST_TALK;
  for (const { line, text } of lines.toSorted(
    (one, other) => Number(cited.has(other.line)) - Number(cited.has(one.line)),
  )) {
    if (text.length >= room) continue;
    room -= text.length + 1;
    taken.add(line);
  }
  const shown = lines.filter(({ line }) => taken.has(line)).map(({ text }) => text);
  const left = lines.length - shown.length;
  return [...shown, ...(left === 0 ? [] : [`(${left} lines are left out here.)`])].join('\n');
}

/** The statements of the matter itself that a model chooses from, in a fixed order. */
export function candidatesOf(findings: Findings): Statement[] {
  return statementsOf(findings).slice(0, MOST_CANDIDATES);
}

/** Statements as a model reads them, numbered from 1. */
export function numbered(statements: readonly Statement[]): string[] {
  return statements.map(({ section, text, lines }, at) => `${at + 1} [${section}] ${text} (lines ${lines.join(', ')})`);
}
