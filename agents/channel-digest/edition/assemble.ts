import { frameOf } from '../report/compose.ts';
import { unsupportedStatements } from '../report/critique.ts';
import { sourceText } from '../report/render.ts';
import type { Draft, Findings, Statement, Summary, Transcript, Verdict } from '../schemas.ts';
import { candidatesOf, numbered } from './brief.ts';

/** Faults that are told to the next round. */
const MOST_FAULTS = 20;

/**
 * The draft of an edition: the model's summary, the statements that it keeps in its order, and around them what is counted.
 * Numbers of statements that are not there, or come again, are passed over.
 */
export function assembleDraft(
  { transcript, findings }: { readonly transcript: Transcript; readonly findings: Findings },
  { summary, keep }: { readonly summary: Summary; readonly keep: readonly number[] },
): Draft {
  const candidates = candidatesOf(findings);
  const kept = [...new Set(keep)].flatMap((number) => candidates[number - 1] ?? []);
  const told = summary.map(({ text, lines }): Statement => {
    return { section: 'summary', text, claim: text, lines: [...new Set(lines)].sort((one, other) => one - other) };
  });
  const { before, after, ...frame } = frameOf(transcript, findings);
  return { ...frame, statements: [...before, ...told, ...kept, ...after] };
}

/** The numbered statements that a draft leaves out. */
export function leftOut(draft: Draft, findings: Findings): string[] {
  const present = new Set(draft.statements.map(({ section, text }) => `${section} ${text}`));
  return numbered(candidatesOf(findings).filter(({ section, text }) => !present.has(`${section} ${text}`)));
}

/**
 * Brings the model's verdict and the rules together: what the model faults, or what the cited lines do not say, is dropped, and
 * the score is the lower one of the model's and the part of the summary that its lines support. The rest of a draft stands on
 * the analysts, and would hide what a model made up.
 */
export function settleEdition(draft: Draft, verdict: Verdict, transcript: Transcript) {
  const unsupported = unsupportedStatements(draft, sourceText(transcript));
  const refused = new Set([
    ...verdict.faults.map(({ statement }) => draft.statements[statement - 1]),
    ...unsupported.map(({ statement }) => statement),
  ]);
  const told = draft.statements.filter(({ section }) => section === 'summary').length;
  const supported = Math.max(0, 1 - unsupported.length / Math.max(1, told));
  const score = Math.round(Math.min(verdict.score, supported) * 1000) / 1000;
  return {
    draft: { ...draft, statements: draft.statements.filter((statement) => !refused.has(statement)) },
    review: { score, reasons: [] },
    faults: [...verdict.faults.map(({ why }) => why), ...unsupported.map(({ detail }) => detail)].slice(0, MOST_FAULTS),
  };
}
