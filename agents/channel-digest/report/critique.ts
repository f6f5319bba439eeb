import { coveredShare, overlap } from '../language/sentences.ts';
import { wordRoots } from '../language/word-roots.ts';
import { countWords } from '../parsing/parse-transcript.ts';
import type { Draft, Findings, Reason, Review, Section, Statement, Transcript } from '../schemas.ts';
import { statementsOf } from './compose.ts';
import { type SourceLine, sourceText } from './render.ts';

/** Part of a claim's words that its cited lines must contain. Quotes reach 1; reworded tasks and dates a little less. */
const SUPPORTED = 0.6;
/** Likeness from which two statements of the report say the same. */
const REPEATED = 0.8;
/** What a finding weighs in coverage: a missed decision costs more than a missed topic. */
const WEIGHTS: Partial<Record<Section, number>> = { decisions: 3, actions: 3, questions: 2, topics: 1 };
/** Sections whose entries may go when the report is too long, the first to go first. */
const EXPENDABLE: readonly Section[] = ['participants', 'mood', 'topics', 'summary'];

/** Words for everything but decisions, actions and questions: a fifth of the source, within these bounds. */
const LEAST_LENGTH = 400;
const MOST_LENGTH = 1_200;

/** What counts of people and messages alone are worth to a reader: the mark of a talk of which no word could be read. */
const COUNTS_ALONE = 0.2;

/** What is left of the mark when nothing was found in a talk that uses the words below. */
const FOUND_NOTHING = 0.9;
const CUES = /\b(?:decided|decisions?|agreed|to-?dos?|action items?|next steps?|deadline|due (?:by|on)|I'll|I will)\b/i;

/**
 * Judges a draft: does it cover what was found, does every statement cite lines that really say it, does it repeat
 * itself, is it short enough, and how much of the talk could be read at all: finding no decisions in a talk that could
 * not be read deserves no praise. Where nothing was found although the talk uses the words of decisions and tasks, a
 * doubt remains. The score is the product of the six marks, so that one grave fault is enough to ask for a revision.
 * Each reason carries the statement to add or to drop; a reason about unread lines has none, for no revision helps.
 */
export function critique(draft: Draft, findings: Findings, transcript: Transcript): Review {
  const missing = missingStatements(draft, findings);
  const unsupported = unsupportedStatements(draft, sourceText(transcript));
  const redundant = redundantStatements(draft);
  const excess = excessStatements(draft, allowedLength(transcript, findings));
  const score =
    coverage(findings, missing) *
    soundness(draft, unsupported) *
    concision(draft, redundant) *
    brevity(draft, excess) *
    readMark(transcript) *
    doubt(findings, transcript);
  return { score: Math.round(score * 1000) / 1000, reasons: [...missing, ...unsupported, ...redundant, ...excess] };
}

function readMark({ legibility }: Transcript): number {
  return COUNTS_ALONE + (1 - COUNTS_ALONE) * legibility;
}

/** No revision finds what the analysts did not see, so this only lowers the mark. */
function doubt({ decisions, actionItems, openQuestions }: Findings, { utterances }: Transcript): number {
  const isEmpty = decisions.length + actionItems.length + openQuestions.length === 0;
  return isEmpty && utterances.some(({ text, automated }) => !automated && CUES.test(text)) ? FOUND_NOTHING : 1;
}

function missingStatements(draft: Draft, findings: Findings): Reason[] {
  const present = new Set(draft.statements.map(({ section, text }) => `${section} ${text}`));
  return statementsOf(findings)
    .filter(({ section, text }) => !present.has(`${section} ${text}`))
    .map((statement) => ({ code: 'missing', detail: `The report leaves out: ${statement.text}`, statement }));
}

/** A reason for each statement whose cited lines do not say it. */
export function unsupportedStatements(draft: Draft, source: ReadonlyMap<number, SourceLine>): Reason[] {
  return draft.statements.flatMap((statement): Reason[] => {
    if (statement.lines.length === 0)
      return [{ code: 'uncited', detail: `No line is cited for: ${statement.text}`, statement }];
    if (isSupported(statement, source)) return [];
    return [{ code: 'unsupported', detail: `The cited lines do not say: ${statement.text}`, statement }];
  });
}

/** Whether the cited lines, with the names of those who speak on them, contain the words of the claim. */
export function isSupported({ claim, lines }: Statement, source: ReadonlyMap<number, SourceLine>): boolean {
  if (!lines.every((line) => source.has(line))) return false;
  const cited = lines.map((line) => `${source.get(line)?.speaker ?? ''} ${source.get(line)?.text ?? ''}`).join(' ');
  const wanted = wordRoots(claim);
  return wanted.size === 0 || coveredShare(wanted, wordRoots(cited)) >= SUPPORTED;
}

/** A quote in the summary that a decision, an action or an earlier entry already tells. */
function redundantStatements({ statements }: Draft): Reason[] {
  const roots = statements.map(({ claim }) => wordRoots(claim));
  return statements.flatMap((statement, at): Reason[] => {
    const own = roots[at] ?? new Set();
    if (own.size < 3 || statement.section !== 'summary') return [];
    const twin = statements.findIndex((other, place) => {
      const rival =
        other.section === 'decisions' || other.section === 'actions' || (other.section === 'summary' && place < at);
      return (
        rival && place !== at && (roots[place]?.size ?? 0) >= 3 && overlap(own, roots[place] ?? new Set()) >= REPEATED
      );
    });
    const said = statements[twin];
    if (said === undefined) return [];
    return [{ code: 'redundant', detail: `“${statement.text}” repeats “${said.text}”`, statement }];
  });
}

/** Words that decisions, actions and questions need are always allowed: a digest is read for them. */
function allowedLength({ statistics }: Transcript, findings: Findings): number {
  const needed = statementsOf(findings)
    .filter(({ section }) => section !== 'topics')
    .reduce((sum, { text }) => sum + countWords(text), 0);
  return Math.min(MOST_LENGTH, Math.max(LEAST_LENGTH, Math.round(statistics.words / 5))) + needed;
}

function excessStatements(draft: Draft, allowed: number): Reason[] {
  let over = lengthOf(draft) - allowed;
  const reasons: Reason[] = [];
  for (const section of EXPENDABLE) {
    const entries = draft.statements
      .filter((statement) => statement.section === section)
      .slice(1)
      .toReversed();
    for (const statement of entries) {
      if (over <= 0) return reasons;
      over -= countWords(statement.text);
      reasons.push({
        code: 'too-long',
        detail: `The report has more than ${Math.round(allowed)} words; least needed: ${statement.text}`,
        statement,
      });
    }
  }
  return reasons;
}

function lengthOf({ statements }: Draft): number {
  return statements.reduce((sum, { text }) => sum + countWords(text), 0);
}

function coverage(findings: Findings, missing: readonly Reason[]): number {
  const all = weigh(statementsOf(findings));
  return all === 0 ? 1 : 1 - weigh(missing.map(({ statement }) => statement)) / all;
}

function weigh(statements: readonly Statement[]): number {
  return statements.reduce((sum, { section }) => sum + (WEIGHTS[section] ?? 0), 0);
}

function soundness({ statements }: Draft, unsupported: readonly Reason[]): number {
  return statements.length === 0 ? 1 : 1 - unsupported.length / statements.length;
}

/** Repetition is felt where it occurs: the share counts in the summary, which alone repeats. */
function concision({ statements }: Draft, redundant: readonly Reason[]): number {
  const able = statements.filter(({ section }) => section === 'summary').length;
  return able === 0 ? 1 : 1 - redundant.length / able;
}

function brevity(draft: Draft, excess: readonly Reason[]): number {
  const length = lengthOf(draft);
  const surplus = excess.reduce((sum, { statement }) => sum + countWords(statement.text), 0);
  return length === 0 ? 1 : 1 - surplus / length;
}
