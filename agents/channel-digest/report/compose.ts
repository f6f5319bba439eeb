import type { Draft, Findings, Statement, Transcript } from '../schemas.ts';
import {
  actionStatement,
  decisionStatement,
  highlightStatement,
  moodStatements,
  overviewStatement,
  participantStatement,
  questionStatement,
  topicStatement,
  topicsStatement,
} from './statements.ts';

/** Entries that a first draft gives each section: what a reader takes in at a glance. The critic asks for the rest. */
const FIRST_DRAFT = 6;
const SUMMARY_QUOTES = 5;

/** Every statement that the findings justify about the matter itself: what the critic holds a draft against. */
export function statementsOf(findings: Findings): Statement[] {
  return [
    ...findings.decisions.map(decisionStatement),
    ...findings.actionItems.map(actionStatement),
    ...findings.openQuestions.map(questionStatement),
    ...findings.topics.map(topicStatement),
  ];
}

/** Writes the first draft: an overview, the most central sentences, and the first entries of each section. */
export function composeDraft(transcript: Transcript, findings: Findings): Draft {
  const quotes = findings.highlights
    .slice(0, SUMMARY_QUOTES)
    .toSorted((one, other) => (one.lines[0] ?? 0) - (other.lines[0] ?? 0));
  const { before, after, ...frame } = frameOf(transcript, findings);
  return {
    ...frame,
    statements: [
      ...before,
      ...quotes.map(highlightStatement),
      ...findings.decisions.slice(0, FIRST_DRAFT).map(decisionStatement),
      ...findings.actionItems.slice(0, FIRST_DRAFT).map(actionStatement),
      ...findings.openQuestions.slice(0, FIRST_DRAFT).map(questionStatement),
      ...findings.topics.slice(0, FIRST_DRAFT).map(topicStatement),
      ...after,
    ],
  };
}

/** What every draft has around its matter: title and notices, and the statements that are counted and not chosen. */
export function frameOf(transcript: Transcript, findings: Findings) {
  return {
    title: `Digest of ${transcript.name}`,
    notices: transcript.notices,
    before: [overviewStatement(transcript, findings), ...topicsStatement(findings.topics)],
    after: [
      ...moodStatements(findings.sentiment).slice(0, FIRST_DRAFT),
      ...findings.participants.slice(0, 2 * FIRST_DRAFT).map(participantStatement),
    ],
  };
}
