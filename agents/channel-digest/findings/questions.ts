import { eachInSlices } from '../language/read-sentences.ts';
import { overlap, type Sentence } from '../language/sentences.ts';
import type { OpenQuestion } from '../schemas.ts';
import { actionCue, asksWhoDoes, isRequest } from './action-cues.ts';
import { type Outcome, outcomeOf } from './answers.ts';
import type { Conversation } from './conversation.ts';
import { decisionCue } from './decision-cues.ts';
import { findDueDate } from './due-date.ts';
import { capitalised, linesOf } from './wording.ts';

const QUESTION_SECTION = /\b(?:open|unresolved|outstanding|pending)\b.*|\bquestions?\b/i;
const UNMARKED =
  /^(?:(?:ok|so|and|also|btw|quick (?:one|question))[, :]+)*(?:does any(?:one|body)|any(?:one|body) (?:know|seen|heard|tried|remember)|has any(?:one|body)|do we (?:know|have)|is there any|any (?:idea|news|update|word) (?:on|about|why|how|when|from)|(?:i'm |i am )?(?:wondering|curious) (?:if|whether|why|how|when))\b/;
const STATED_OPEN =
  /\b(?:open question|still (?:unclear|unknown|open|don't know|need to (?:know|find out|figure out))|(?:nobody|no one|we don't|we still don't) knows?\b|remains? (?:open|unclear|unknown)|to be (?:clarified|determined)|unclear (?:whether|if|who|how|when|what))\b/;
const SMALL_TALK =
  /^(?:(?:ok|okay|so|and|but|well|hey|hi|morning|sorry)[, ]+)*(?:right|really|seriously|sure|ready|shall we|everyone ready|anything else|any(?:thing)? (?:questions|objections|other|comments|thoughts|concerns|blockers)\b.*|any objections|thoughts|what do (?:you|we|people|others) think|makes? sense|does that (?:make sense|work)\b.*|is that ok(?:ay)?|sounds? good|how(?:'s| is| are)? (?:it going|you|everyone|things)\b.*|what's up|who's (?:here|next|first)|can (?:you|everyone|everybody|anyone) (?:hear|see)\b.*|did you (?:just|really)\b.*|you (?:know|see)|isn't it|guess what|remember|am i (?:audible|late|muted|on mute)|what|huh|why not|how come|coffee|lunch|where were we|who wants (?:coffee|cake|lunch|donuts)|what could (?:possibly )?go wrong|how hard can it be|who knows|why me|what else|next)\W*$/;
const RHETORICAL =
  /\b(?:who would(?:'ve| have) thought|how hard can|what could (?:possibly )?go wrong|am i the only one|why does this always|who needs)\b/;

/** Asks for a start or for assent, not for information. */
const TAG = /,\s*(?:shall we|ok(?:ay)?|deal|alright|will you|would you)\s*\?\W*$/;

/** Open questions back to which a repetition is looked for: bounds the work on very long texts. */
const REMEMBERED = 200;

/** How far from "who does it?" somebody may take it. */
const TAKING_WINDOW = 10;

export interface Questions {
  readonly open: OpenQuestion[];
  /** How many questions were asked and answered. */
  readonly answered: number;
}

/**
 * Finds questions that were asked and not answered, with the reason why they count as open. Requests, proposals and
 * small talk have the form of questions and are none; a question asked again is one question.
 */
export async function findQuestions(conversation: Conversation): Promise<Questions> {
  const open: Array<OpenQuestion & { terms: ReadonlySet<string> }> = [];
  let answered = 0;
  await eachInSlices(conversation.sentences, conversation.pace, (sentence) => {
    const found = openQuestion(conversation, sentence);
    if (found === 'answered') {
      answered++;
      const settled = alikeAmong(open, sentence.terms);
      if (settled >= 0) open.splice(settled, 1);
    } else if (found !== null) remember(open, { ...found, terms: sentence.terms });
  });
  return { open: open.map(({ terms: _, ...question }) => question), answered };
}

/** Whether a sentence asks for information. */
function isQuestion({ plain, terms }: Sentence): boolean {
  if (SMALL_TALK.test(plain.replace(/^@[\w.-]+[,:]?\s+/, '')) || RHETORICAL.test(plain) || TAG.test(plain))
    return false;
  const marked = /\?[^\p{L}\p{N}]*$/u.test(plain) || UNMARKED.test(plain);
  return marked && terms.size >= 1 && plain.split(' ').length >= 3;
}

function openQuestion(conversation: Conversation, sentence: Sentence): OpenQuestion | 'answered' | null {
  const { utterance } = sentence;
  const listed = utterance.speaker === null && QUESTION_SECTION.test(utterance.section ?? '');
  const stated = STATED_OPEN.test(sentence.plain) && sentence.terms.size >= 2 && utterance.speaker === null;
  if (listed ? conversation.sentences[sentence.index - 1]?.utterance === utterance : !stated && !isQuestion(sentence))
    return null;
  const asked = conversation.addressee(sentence);
  const question = {
    text: wording(sentence),
    askedBy: sentence.speaker,
    askedOf: asked === sentence.speaker ? null : asked,
  };
  if (listed || stated) return { ...question, reason: 'noted as open', lines: linesOf(sentence) };
  if ((isRequest(sentence) && !isUntaken(conversation, sentence)) || decisionCue(sentence)?.kind === 'proposed')
    return null;
  if (utterance.speaker === null)
    return answeredInNotes(conversation, sentence)
      ? 'answered'
      : { ...question, reason: 'no answer in the notes', lines: linesOf(sentence) };
  const outcome = outcomeOf(conversation, sentence);
  if (outcome.answered) return 'answered';
  return {
    ...question,
    reason: whyOpen(conversation, sentence, outcome),
    lines: linesOf(sentence, ...outcome.evasions.slice(0, 3).map((turn) => turn.utterance)),
  };
}

/** "Who tells marketing?" is a request while somebody takes it; with a due date it is an action item all the same. */
function isUntaken(conversation: Conversation, question: Sentence): boolean {
  if (!asksWhoDoes(question) || findDueDate(question.said) !== null) return false;
  let interrupted = false;
  return !conversation.after(question.utterance, TAKING_WINDOW).some(({ sentences }) => {
    const takes = sentences.some(
      (said) => settlesWho(conversation, said) && (!interrupted || overlap(said.terms, question.terms) >= 0.5),
    );
    interrupted ||= sentences.some(({ plain }) => /\?\W*$/.test(plain));
    return takes;
  });
}

function settlesWho(conversation: Conversation, sentence: Sentence): boolean {
  const kind = actionCue(sentence, conversation)?.kind;
  return kind === 'commitment' || kind === 'acceptance' || kind === 'assignment';
}

/** In notes the answer is in the same item or paragraph. */
function answeredInNotes(conversation: Conversation, sentence: Sentence): boolean {
  const next = conversation.sentences[sentence.index + 1];
  return next !== undefined && next.utterance === sentence.utterance && !STATED_OPEN.test(next.plain);
}

function whyOpen(conversation: Conversation, sentence: Sentence, { evasions }: Outcome): string {
  const asked = conversation.addressee(sentence);
  const following = conversation.after(sentence.utterance, 6).filter(({ speaker }) => speaker !== sentence.speaker);
  if (evasions.length > 0) return `${names(evasions.map(({ speaker }) => speaker))} could not say`;
  if (following.length === 0) return 'the talk ended without a reply';
  if (asked !== null && !following.some(({ speaker }) => speaker === asked)) return `${asked} did not reply`;
  return 'the talk moved on without an answer';
}

function names(speakers: ReadonlyArray<string | null>): string {
  const unique = [...new Set(speakers.flatMap((speaker) => speaker ?? []))];
  const last = unique.pop();
  return unique.length === 0 ? (last ?? 'those who replied') : `${unique.join(', ')} and ${last}`;
}

function wording({ said }: Sentence): string {
  const core = said
    .replace(
      /^(?:(?:ok(?:ay)?|so|and|but|also|hey|hm+|one more thing|quick (?:one|question)(?: on [\p{L} ]+)?|btw)[,: ]+|@[\p{L}\p{N}_.-]+[,:]?\s+)+/iu,
      '',
    )
    .replace(/(?:\s|\p{Extended_Pictographic}|\uFE0F)+$/u, '');
  return capitalised(core);
}

/** The place of the same question among the latest of the list; -1 if it is not there. */
function alikeAmong(open: ReadonlyArray<{ terms: ReadonlySet<string> }>, terms: ReadonlySet<string>): number {
  const from = Math.max(0, open.length - REMEMBERED);
  const found = open.slice(from).findIndex((other) => overlap(other.terms, terms) >= 0.75);
  return found < 0 ? -1 : from + found;
}

function remember<Question extends OpenQuestion & { terms: ReadonlySet<string> }>(
  open: Question[],
  question: Question,
): void {
  const same = alikeAmong(open, question.terms);
  const earlier = open[same];
  if (earlier === undefined) open.push(question);
  else
    open[same] = {
      ...earlier,
      reason: question.reason,
      lines: [...new Set([...earlier.lines, ...question.lines])].sort((a, b) => a - b),
    };
}
