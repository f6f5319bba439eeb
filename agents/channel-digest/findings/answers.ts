import { coveredShare, type Sentence } from '../language/sentences.ts';
import { personCalled } from '../parsing/roster.ts';
import type { Conversation, Turn } from './conversation.ts';
import { findDueDate } from './due-date.ts';
import { stanceOf, stanceOfTurn } from './stance.ts';

/** What became of a question. */
export interface Outcome {
  readonly answered: boolean;
  /** The reply that says most, answer or not. */
  readonly reply: Turn | null;
  /** Replies that only say that nobody knows. */
  readonly evasions: readonly Turn[];
}

/** How far an answer may stand from its question when nothing links them. */
const WINDOW = 12;
/** How far the person asked may take to answer, when the words show that it is the answer. */
const LATE_WINDOW = 60;
/** A direct neighbour that says something, or a reply whose form fits the question, reaches it; either half alone does not. */
const ANSWERED = 1.5;
/** Once somebody has said that they do not know, talk about the matter goes on without being an answer. */
const ANSWERED_AFTER_DOUBT = 2;

const WITHDRAWN =
  /\b(?:never ?mind|nvm|found it|figured it out|got it now|solved it|answering my own|ignore (?:me|that))\b/;
const YES_OR_NO =
  /^(?:(?:ah|oh|well|hm+|um+|ok)[, ]+)*(?:yes|yep|yup|yeah|no|nope|nah|not yet|not really|sure|correct|right|exactly|true|indeed|looks like it|i (?:think|believe|guess|hope) (?:so|not|yes)|it (?:is|does|was|did|can|should)|they (?:are|do)|we (?:do|can|did|are|have)|i (?:did|do|have|am)|i did|done|already|of course|definitely|absolutely|unfortunately|afraid (?:so|not)|only (?:if|when|in|for)|👍|✅|❌)/u;
const AUXILIARY =
  /^(?:(?:and|so|but|ok|also|wait|hey|sorry)[, ]+)*(?:is|are|was|were|do|does|did|can|could|will|would|should|has|have|had|any(?:one|body)|shall|may|am)\b/;
const NOTHING_SAID =
  /^(?:thanks?\b.{0,40}|thank you\b.{0,40}|thx|great|cool|nice|lol|haha|ok(?:ay)?|hm+|wow|ouch|oh|true|same|\+1|fair)\b[^\p{L}]*$/u;

/** Decides whether a question was answered by what follows it. */
export function outcomeOf(conversation: Conversation, question: Sentence): Outcome {
  const asked = conversation.addressee(question);
  const evasions: Turn[] = [];
  let best: { turn: Turn; score: number } | null = null;
  let place = 0;
  let interrupted = false;
  for (const turn of conversation.after(question.utterance, LATE_WINDOW)) {
    if (turn.speaker !== null && turn.speaker === question.speaker) {
      if (turn.sentences.some(({ plain }) => WITHDRAWN.test(plain)) && place < WINDOW)
        return { answered: true, reply: turn, evasions };
      interrupted ||= turn.sentences.some((sentence) => isOtherQuestion(sentence, question));
      continue;
    }
    place++;
    const linked = turn.utterance.replyTo === question.utterance.index;
    const late = place > WINDOW && !linked;
    const score = late
      ? lateScore(turn, question, asked)
      : scoreOf(turn, question, { conversation, place, asked, linked, interrupted });
    if (score === 'evades') evasions.push(turn);
    else if (score > (best?.score ?? 0)) best = { turn, score };
    const bar = evasions.length > 0 ? ANSWERED_AFTER_DOUBT : ANSWERED;
    if (best !== null && best.score >= bar) return { answered: true, reply: best.turn, evasions };
    interrupted ||= turn.sentences.some((sentence) => isOtherQuestion(sentence, question));
  }
  return { answered: false, reply: best?.turn ?? null, evasions };
}

function isOtherQuestion({ plain, terms }: Sentence, question: Sentence): boolean {
  return /\?\W*$/.test(plain) && coveredShare(question.terms, terms) < 0.34;
}

interface Place {
  readonly conversation: Conversation;
  readonly place: number;
  readonly asked: string | null;
  readonly linked: boolean;
  /** Another question was asked in between: what follows probably answers that one. */
  readonly interrupted: boolean;
}

function scoreOf(
  turn: Turn,
  question: Sentence,
  { conversation, place, asked, linked, interrupted }: Place,
): number | 'evades' {
  const near = place <= 6 || linked;
  if (near && stanceOfTurn(turn) === 'unsure') return 'evades';
  const said = turn.sentences.filter(({ plain }) => !/\?\W*$/.test(plain) && !NOTHING_SAID.test(plain));
  if (said.length === 0) return 0;
  let score = linked ? 1.2 : Math.max(0, 1.2 - 0.2 * place) * (interrupted ? 0.3 : 1);
  if (asked !== null) score += turn.speaker === asked ? 0.6 : -0.2;
  if (said.some((sentence) => fits(sentence, question, conversation)) && (near || linked) && !(interrupted && !linked))
    score += 0.8;
  score += 1.6 * sharedTerms(turn, question);
  if (said.some(({ terms }) => terms.size >= 4)) score += 0.5;
  return score;
}

/** "@ann did you upload the mapping file?" … much later, Ann: "uploaded, it's in the folder of that build". */
function lateScore(turn: Turn, question: Sentence, asked: string | null): number {
  if (turn.speaker !== asked || asked === null) return 0;
  const said = turn.sentences.filter(({ plain }) => !/\?\W*$/.test(plain));
  const shared = said.reduce((most, { terms }) => Math.max(most, terms.intersection(question.terms).size), 0);
  return shared >= 2 ? ANSWERED_AFTER_DOUBT : 0;
}

function sharedTerms({ sentences }: Turn, question: Sentence): number {
  return sentences.reduce((most, { terms }) => Math.max(most, coveredShare(question.terms, terms)), 0);
}

/** Whether a reply has the form that the question asks for: yes or no, a time, a number, one of the choices. */
function fits(reply: Sentence, question: Sentence, conversation: Conversation): boolean {
  const { plain } = reply;
  const asking = question.plain.replace(/^@[\w.-]+[,:]?\s+/, '');
  const choice = /(\p{L}[\p{L}\d-]*)(?: \p{L}+){0,4} or (?:the |a |an |on |in |after |to )?(\p{L}[\p{L}\d-]*)/u.exec(
    asking,
  );
  if (choice !== null && choice.slice(1).some((word) => new RegExp(String.raw`\b${word}\b`, 'u').test(plain)))
    return true;
  if (/\b(?:when|what time|by when|how soon|which day)\b/.test(asking))
    return findDueDate(plain) !== null || /\d/.test(plain);
  if (/\bhow (?:many|much|long|often|big|old|far|high)\b/.test(asking))
    return /\d|\b(?:one|two|three|four|five|ten|none|half|all|most|few)\b/.test(plain);
  if (/\bwho\b/.test(asking))
    return /^(?:me|i am|i'm|i did|i do|i will|i'll)\b/.test(plain) || namesSomebody(reply, conversation);
  if (/\bwhy\b/.test(asking)) return /\b(?:because|since|due to|so that|as we|reason)\b/.test(plain);
  if (/\bwhere\b|\blink\b/.test(asking)) return /https?:|\b(?:in|at|under|on) (?:the|our|a)\b|#\w+/.test(plain);
  const openForm = /\b(?:what|which|how|when|where|why|who|whose)\b/.test(asking);
  if (AUXILIARY.test(asking) || !openForm || /,\s*(?:right|no|correct)\?/.test(asking))
    return YES_OR_NO.test(plain) || stanceOf(reply) !== 'none';
  return false;
}

function namesSomebody({ tokens }: Sentence, { people }: Conversation): boolean {
  return tokens.some(({ text }) => personCalled(people, text) !== null);
}
