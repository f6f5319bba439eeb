import { coveredShare, type Sentence } from '../language/sentences.ts';
import { personCalled } from '../parsing/roster.ts';
import type { Conversation, Turn } from './conversation.ts';
import { decisionCue } from './decision-cues.ts';
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

/** How far an answer may be from its question when nothing links them. */
const WINDOW = 12;
/** How far the person asked may take to answer, when the words show that it is the answer. */
const LATE_WINDOW = 60;
/** A direct neighbour that says something, or a reply whose form fits the question, reaches it; either half alone does not. */
const ANSWERED = 1.5;
/** After somebody has said that they do not know, further talk about the matter is not an answer. */
const ANSWERED_AFTER_DOUBT = 2;

const WITHDRAWN =
  /\b(?:never ?mind|nvm|found it|figured it out|got it now|solved it|answering my own|ignore (?:me|that))\b/;
const YES_OR_NO =
  /^(?:(?:ah|oh|well|hm+|um+|ok)[, ]+)*(?:yes|yep|yup|yeah|no|nope|nah|not yet|not really|sure|correct|right|exactly|true|indeed|looks like it|i (?:think|believe|guess|hope) (?:so|not|yes)|(?:it|they|he|she) \p{L}+|we (?:do|can|did|are|have)|i (?:did|do|have|am)|i did|done|already|of course|definitely|absolutely|unfortunately|afraid (?:so|not)|only (?:if|when|in|for)|👍|✅|❌)/u;
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
    if (turn.sentences.some((sentence) => settles(sentence, question)))
      return { answered: true, reply: turn, evasions };
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
      : scoreOf(turn, question, { conversation, place, asked, linked, interrupted, doubted: evasions.length > 0 });
    if (score === 'evades') evasions.push(turn);
    else if (score > (best?.score ?? 0)) best = { turn, score };
    const bar = evasions.length > 0 ? ANSWERED_AFTER_DOUBT : ANSWERED;
    if (best !== null && best.score >= bar) return { answered: true, reply: best.turn, evasions };
    interrupted ||= turn.sentences.some((sentence) => isOtherQuestion(sentence, question));
  }
  return { answered: false, reply: best?.turn ?? null, evasions };
}

/** A decision on the same matter answers the question, no matter who states it. */
function settles(sentence: Sentence, question: Sentence): boolean {
  return coveredShare(question.terms, sentence.terms) >= 0.5 && decisionCue(sentence)?.kind === 'stated';
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
  /** Somebody has already said that they do not know. */
  readonly doubted: boolean;
}

function scoreOf(turn: Turn, question: Sentence, place: Place): number | 'evades' {
  const near = place.place <= 6 || place.linked;
  if (near && stanceOfTurn(turn) === 'unsure') return 'evades';
  const said = turn.sentences.filter(({ plain }) => !/\?\W*$/.test(plain) && !NOTHING_SAID.test(plain));
  if (said.length === 0) return 0;
  const shared = sharedTerms(said, question);
  let score = place.linked ? 1.2 : Math.max(0, 1.2 - 0.2 * place.place) * (place.interrupted ? 0.3 : 1);
  if (place.asked !== null) score += turn.speaker === place.asked ? 0.6 : -0.2;
  score += formScore(said, question, { ...place, near, shared });
  score += 1.6 * shared;
  if (said.some(({ terms }) => terms.size >= 4)) score += 0.5;
  return score;
}

/** A reply in the form that was asked for is likely the answer; one in another form and in other words is likely none. */
function formScore(
  said: readonly Sentence[],
  question: Sentence,
  { conversation, near, shared, interrupted, linked, doubted }: Place & { near: boolean; shared: number },
): number {
  const forms = said.map((sentence) => formOf(sentence, question, conversation));
  if (forms.includes('fits')) return near && (linked || !interrupted) && (shared > 0 || !doubted) ? 0.8 : 0;
  return forms.includes('differs') && shared === 0 && !linked ? -0.5 : 0;
}

/** "@ann did you upload the mapping file?" … much later, Ann: "uploaded, it's in the folder of that build". */
function lateScore(turn: Turn, question: Sentence, asked: string | null): number {
  if (turn.speaker !== asked || asked === null) return 0;
  const said = turn.sentences.filter(({ plain }) => !/\?\W*$/.test(plain));
  const shared = said.reduce((most, { terms }) => Math.max(most, terms.intersection(question.terms).size), 0);
  return shared >= 2 ? ANSWERED_AFTER_DOUBT : 0;
}

function sharedTerms(said: readonly Sentence[], question: Sentence): number {
  return said.reduce((most, { terms }) => Math.max(most, coveredShare(question.terms, terms)), 0);
}

/** Whether a reply has the form that a question asks for: yes or no, a time, a number, a person, one of the choices. */
function formOf(reply: Sentence, question: Sentence, conversation: Conversation): 'fits' | 'differs' | 'free' {
  const { plain } = reply;
  const asking = question.plain.replace(/^@[\w.-]+[,:]?\s+/, '');
  const form = FORMS.find(({ asked }) => asked.test(asking));
  if (namesChoice(asking, plain)) return 'fits';
  if (form !== undefined)
    return form.answered.test(plain) || (form.timed && findDueDate(plain) !== null) ? 'fits' : 'differs';
  if (/\bwho\b/.test(asking)) return SELF.test(plain) || namesSomebody(reply, conversation) ? 'fits' : 'differs';
  if (/\b(?:what|which|how|why|whose)\b/.test(asking) && !AUXILIARY.test(asking)) return 'free';
  return YES_OR_NO.test(plain) || stanceOf(reply) === 'agrees' ? 'fits' : 'differs';
}

interface Form {
  readonly asked: RegExp;
  readonly answered: RegExp;
  readonly timed: boolean;
}

const FORMS: readonly Form[] = [
  {
    asked: /\b(?:when|what time|by when|how soon|which day)\b(?!.*\bhappens\b)/,
    answered:
      /\d{1,2}[:h]\d{2}|\d ?[ap]m\b|\b(?:19|20)\d{2}\b|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b/,
    timed: true,
  },
  {
    asked: /\bhow (?:many|much|long|often|big|old|far|high)\b/,
    answered: /\d|%|\b(?:one|two|three|four|five|six|seven|ten|none|half|all|most|few)\b/,
    timed: true,
  },
  { asked: /^(?:and |so |ok )?where\b/, answered: /https?:|\b(?:in|at|under|on|here|there)\b|#\w+/, timed: false },
];
const SELF = /^(?:me|i am|i'm|i did|i do|i have|i've|i will|i'll|nobody|no one|everybody|everyone|all of us|we all)\b/;

/** "before or after the release?" – "before". */
function namesChoice(asking: string, plain: string): boolean {
  const choice = /(\p{L}[\p{L}\d-]*)(?: \p{L}+){0,4} or (?:the |a |an |on |in |after |to )?(\p{L}[\p{L}\d-]*)/u.exec(
    asking,
  );
  return choice?.slice(1).some((word) => new RegExp(String.raw`\b${word}\b`, 'u').test(plain)) ?? false;
}

function namesSomebody({ tokens }: Sentence, { people }: Conversation): boolean {
  return tokens.some(({ text }) => personCalled(people, text) !== null);
}
