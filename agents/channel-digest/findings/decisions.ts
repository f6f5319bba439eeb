import { eachInSlices } from '../language/read-sentences.ts';
import { isContained, overlap, type Sentence } from '../language/sentences.ts';
import type { Decision } from '../schemas.ts';
import type { Conversation, Turn } from './conversation.ts';
import { type DecisionCue, decisionCue, withdraws } from './decision-cues.ts';
import { resolve } from './references.ts';
import { stanceOfTurn } from './stance.ts';
import { asStatement, isVague, linesOf, saysNone } from './wording.ts';

/** How many turns after a proposal an agreement can still mean it. */
const AGREEMENT_WINDOW = 8;
const SAME_MATTER_WINDOW = 14;
/** Decisions back to which a repetition is looked for: bounds the work on very long texts. */
const REMEMBERED = 200;
const DECISION_SECTION = /\bdecisions?\b|\bagreed\b|\bresolutions?\b/i;
const DAYS = /\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b/g;

interface Candidate {
  readonly sentence: Sentence;
  readonly kind: DecisionCue['kind'];
  readonly text: string;
  /** What the text quotes to stand alone. */
  readonly context: Sentence | null;
  readonly supporters: ReadonlyMap<string, Turn>;
}

/**
 * Finds what was decided: statements put as settled, proposals to which somebody else agreed and nobody then objected,
 * and what notes list as decisions. Two wordings of one matter become one decision with both lines; a decision that a
 * later one replaces says so.
 */
export async function findDecisions(conversation: Conversation): Promise<Decision[]> {
  const candidates: Candidate[] = [];
  await eachInSlices(conversation.sentences, conversation.pace, (sentence) => {
    const found = candidate(conversation, sentence);
    if (found !== null) candidates.push(found);
  });
  return markReplaced(merged(conversation, candidates)).map(({ decision }) => decision);
}

function candidate(conversation: Conversation, sentence: Sentence): Candidate | null {
  const listed = isListed(sentence);
  const cue = listed ? listedCue(sentence) : decisionCue(sentence);
  if (cue === null || (listed && isContinuation(conversation, sentence))) return null;
  const { text: what, context } = resolve(conversation, sentence, cue.what);
  const text = asStatement(what);
  if (listed ? text === '' || saysNone(text) : isVague(text) || sentence.terms.size < (cue.kind === 'stated' ? 1 : 2))
    return null;
  const { supporters, objections } = reactions(conversation, sentence);
  const settled = cue.kind === 'stated' || (supporters.size > 0 && objections < supporters.size);
  return settled ? { sentence, kind: cue.kind, text, context, supporters } : null;
}

function isListed({ utterance }: Sentence): boolean {
  return DECISION_SECTION.test(utterance.section ?? '');
}

/** Under a heading of decisions nothing is a mere proposal, whatever its words. */
function listedCue(sentence: Sentence): DecisionCue {
  const cue = decisionCue(sentence);
  return cue?.kind === 'stated' ? cue : { kind: 'stated', what: sentence.said };
}

/** A listed item is one decision, told by its first sentence. */
function isContinuation(conversation: Conversation, sentence: Sentence): boolean {
  return conversation.sentences[sentence.index - 1]?.utterance === sentence.utterance;
}

function reactions(
  conversation: Conversation,
  sentence: Sentence,
): { supporters: Map<string, Turn>; objections: number } {
  const supporters = new Map<string, Turn>();
  let objections = 0;
  let elsewhere = false;
  for (const turn of conversation.after(sentence.utterance, AGREEMENT_WINDOW)) {
    const stance =
      turn.speaker === sentence.speaker || (elsewhere && !returnsTo(turn, sentence)) ? 'none' : stanceOfTurn(turn);
    if (stance === 'agrees' && turn.speaker !== null && !supporters.has(turn.speaker))
      supporters.set(turn.speaker, turn);
    if (stance === 'refuses') objections++;
    elsewhere ||= turn.sentences.some((other) => movesOn(other, sentence));
  }
  return { supporters, objections };
}

/** After the talk has moved on, only what names the matter or is linked to it still means it. */
function returnsTo({ utterance, sentences }: Turn, sentence: Sentence): boolean {
  return (
    utterance.replyTo === sentence.utterance.index ||
    sentences.some(({ terms }) => overlap(terms, sentence.terms) >= 0.5)
  );
}

/** A new proposal or question on another matter: what follows it agrees to that one. */
function movesOn(other: Sentence, about: Sentence): boolean {
  const moves = decisionCue(other) !== null || /\?\W*$/.test(other.plain);
  return moves && other.terms.size > 1 && overlap(other.terms, about.terms) < 0.25;
}

interface Settled {
  readonly decision: Decision;
  readonly sentence: Sentence;
  readonly kind: DecisionCue['kind'];
}

/** One decision a matter: the later wording stands, unless only the earlier one was put as settled. */
function merged(conversation: Conversation, candidates: readonly Candidate[]): Settled[] {
  const settled: Settled[] = [];
  for (const { sentence, kind, text, context, supporters } of candidates) {
    const agreeing = [...supporters.values()].slice(0, 4).map(({ utterance }) => utterance);
    const lines = linesOf(...(context === null ? [] : [context]), sentence, ...agreeing);
    const decision: Decision = {
      text,
      by: sentence.speaker,
      supporters: [...supporters.keys()],
      replacedAt: null,
      lines,
    };
    const recent = settled.slice(-REMEMBERED);
    const place = recent.findLastIndex((earlier) => sameMatter(conversation, earlier, { sentence, kind }));
    const at = settled.length - recent.length + place;
    const earlier = place < 0 ? undefined : settled[at];
    if (earlier === undefined) settled.push({ decision, sentence, kind });
    else {
      const keepEarlier = earlier.kind === 'stated' && kind === 'proposed';
      const kept = keepEarlier ? earlier : { decision, sentence, kind };
      settled[at] = { ...kept, decision: joined(kept.decision, earlier.decision, decision) };
    }
  }
  return settled;
}

function joined(kept: Decision, earlier: Decision, later: Decision): Decision {
  const supporters = [...new Set([...earlier.supporters, ...later.supporters])].filter((name) => name !== kept.by);
  const lines = [...new Set([...earlier.lines, ...later.lines])].sort((one, other) => one - other);
  return { ...kept, supporters, lines };
}

function sameMatter(conversation: Conversation, earlier: Settled, later: Pick<Settled, 'sentence' | 'kind'>): boolean {
  if (withdraws(later.sentence)) return false;
  if (later.sentence.utterance === earlier.sentence.utterance && later.sentence.speaker === null) return false;
  if (isListed(earlier.sentence) && isListed(later.sentence)) return false;
  const near = conversation.distance(earlier.sentence.utterance, later.sentence.utterance) <= SAME_MATTER_WINDOW;
  const shared = overlap(earlier.sentence.terms, later.sentence.terms);
  const sameDay = later.kind === 'stated' && earlier.kind === 'proposed' && shareDay(earlier.sentence, later.sentence);
  if (near) return shared >= 0.5 || sameDay;
  return shared > 0 && isContained(earlier.sentence.terms, later.sentence.terms);
}

function shareDay(one: Sentence, other: Sentence): boolean {
  const days = new Set(one.plain.match(DAYS) ?? []);
  return (other.plain.match(DAYS) ?? []).some((day) => days.has(day));
}

function markReplaced(settled: readonly Settled[]): Settled[] {
  return settled.map((earlier, at) => {
    const later = settled.slice(at + 1, at + 1 + REMEMBERED).find(({ sentence }) => {
      if (sentence.utterance.index <= earlier.sentence.utterance.index || !withdraws(sentence)) return false;
      return overlap(earlier.sentence.terms, sentence.terms) >= 0.3;
    });
    return later === undefined
      ? earlier
      : { ...earlier, decision: { ...earlier.decision, replacedAt: later.sentence.line } };
  });
}
