import type { Sentence } from '../language/sentences.ts';
import type { Turn } from './conversation.ts';

/** The stance of a reply on a question or proposal. */
export type Stance = 'agrees' | 'refuses' | 'unsure' | 'none';

const OPENING = String.raw`^(?:@[\w.-]+[,:]?\s+)?(?:(?:ah|oh|well|hm+|um+|haha|lol|and|but|honestly|ok|okay)[, ]+)*`;

const UNSURE =
  /\b(?:not (?:really |entirely |quite )?sure|no (?:idea|clue)|dunno|(?:i|we) (?:really |still )?(?:don't|do not) know|don't know|good question|same question|was wondering|who knows|(?:i|we)(?:'d|'ll| would)? (?:need|have) to (?:look|check|ask)|i don't have (?:it|that)|let me (?:check|look|ask)|(?:i'll|will|i can) (?:check|look|ask|find out|get back)|i'll know more|can't say|hard to say|tbd|to be determined|no answer yet|still (?:open|unclear|waiting)|haven't (?:heard|checked|looked|decided)|need to (?:check|find out)|depends)\b/;
const REFUSES = new RegExp(
  String.raw`${OPENING}(?:no(?!\s+(?:objections?|worries|problem|concerns|issue))\b|nope\b|nah\b|-1\b|👎|never\b|(?:sorry,? )?(?:i |we )?(?:really )?can't\b|(?:i )?(?:strongly )?disagree|i'd rather\b|i (?:really )?don't (?:like|agree|think so)|not (?:me|this week|today|now|a fan|convinced|yet)\b|(?:that )?won't work|please don't|let's (?:not|wait|hold off|postpone|skip)\b|absolutely not|no way|bad idea)`,
  'u',
);
const AGREES = new RegExp(
  String.raw`${OPENING}(?:\+1|👍|✅|💯|👌|yes\b|yep\b|yup\b|yeah\b|ya\b|sure\b|agreed?\b(?! that)|ok(?:ay)?\b|k$|deal\b|done\b|fine\b|perfect\b|great\b|cool\b|nice\b|absolutely\b|definitely\b|of course\b|exactly\b|same here\b|seconded\b|understood\b|noted\b|got it\b|(?:strongly |very much )?in favou?r\b|approved\b|ship it\b|sgtm\b|lgtm\b|sounds (?:good|great|right|fine)|works for (?:me|us)|makes sense|good (?:idea|plan|call)|love (?:it|that)|will do\b|on it\b|go (?:ahead|for it)|no (?:objections?|problem|concerns)|i'm (?:in|fine|ok|good|happy)\b|happy with (?:that|it)|i (?:also )?(?:agree|like|second)\b|fair(?: enough)?\b|(?:that|it|this|\w+) (?:works|is (?:good|fine|ok|great|perfect|reasonable)|'s (?:good|fine|ok|reasonable))|that's (?:good|fine|ok|reasonable)|let's do (?:it|that|this)\b|(?:i )?can do\b)`,
  'u',
);

/** The stance of one sentence. Doubt outweighs a polite yes ("ok, I'll check"); refusal outweighs "ok, but no". */
export function stanceOf({ plain }: Pick<Sentence, 'plain'>): Stance {
  if (UNSURE.test(plain)) return 'unsure';
  if (REFUSES.test(plain)) return 'refuses';
  return AGREES.test(plain) ? 'agrees' : 'none';
}

/** The stance of a whole turn: the first sentence that takes one. Questions take none. */
export function stanceOfTurn({ sentences }: Turn): Stance {
  for (const sentence of sentences) {
    const stance = sentence.plain.replace(/[^\p{L}?]+$/u, '').endsWith('?') ? 'none' : stanceOf(sentence);
    if (stance !== 'none') return stance;
  }
  return 'none';
}
