import { overlap } from '../language/sentences.ts';
import { wordRoots } from '../language/word-roots.ts';
import {
  type Draft,
  type Findings,
  type Highlight,
  type Reason,
  type Review,
  SECTIONS,
  type Statement,
} from '../schemas.ts';
import { highlightStatement } from './statements.ts';

/** Additions of one revision: a draft that grows by more at once has to be judged again before it grows further. */
const MOST_ADDITIONS = 60;
const SUMMARY_QUOTES = 5;

/**
 * Carries out a review: adds what is missing, the weightiest first, drops what is uncited, unsupported or redundant and
 * what makes the report too long, and fills the summary's gaps with the next best sentences that repeat nothing.
 */
export function reviseDraft(draft: Draft, review: Review, findings: Findings): Draft {
  const dropped = review.reasons.filter(({ code }) => code !== 'missing').map(({ statement }) => keyOf(statement));
  const missing = review.reasons.filter(({ code }) => code === 'missing').map(({ statement }) => statement);
  const kept = draft.statements.filter((statement) => !dropped.includes(keyOf(statement)));
  const added = [...missing].sort((one, other) => rank(one) - rank(other)).slice(0, MOST_ADDITIONS);
  const statements = inOrder([...kept, ...added]);
  const quotes = tooLong(review.reasons) ? [] : freshQuotes(statements, findings.highlights, dropped);
  return { ...draft, statements: inOrder([...statements, ...quotes]) };
}

function freshQuotes(
  statements: readonly Statement[],
  highlights: readonly Highlight[],
  dropped: readonly string[],
): Statement[] {
  const quoted = new Set(highlights.map((highlight) => highlightStatement(highlight).text));
  const places =
    SUMMARY_QUOTES - statements.filter(({ section, text }) => section === 'summary' && quoted.has(text)).length;
  const told = statements.filter(({ section }) => section !== 'topics').map(({ claim }) => wordRoots(claim));
  const fresh = highlights.map(highlightStatement).filter((quote) => {
    const roots = wordRoots(quote.claim);
    return !dropped.includes(keyOf(quote)) && told.every((other) => other.size < 3 || overlap(roots, other) < 0.6);
  });
  return fresh.slice(0, Math.max(0, places));
}

function tooLong(reasons: readonly Reason[]): boolean {
  return reasons.some(({ code }) => code === 'too-long');
}

/** Section by section; within one, in the order of the source. The overview and the topics keep their places. */
function inOrder(statements: readonly Statement[]): Statement[] {
  return SECTIONS.flatMap((section) => {
    const own = statements.filter((statement) => statement.section === section);
    if (section === 'topics' || section === 'mood' || section === 'participants') return own;
    return own.sort(
      (one, other) =>
        Number(other.claim === '') - Number(one.claim === '') || (one.lines[0] ?? 0) - (other.lines[0] ?? 0),
    );
  });
}

function rank({ section }: Statement): number {
  return SECTIONS.indexOf(section);
}

function keyOf({ section, text }: Statement): string {
  return `${section} ${text}`;
}
