import type { Sentence } from '../language/sentences.ts';

/** `stated`: put as settled. `proposed`: counts once somebody else agrees. */
export interface DecisionCue {
  readonly kind: 'stated' | 'proposed';
  /** What is decided, in the words of the sentence. */
  readonly what: string;
}

const FILLER = `(?:(?:ok(?:ay)?|alright|right|so|and|then|great|good|perfect|fine|cool|yes|yep|well|agreed|great news|in the end)[,:!. –—-]+)*`;

/** Verbs after which "so we …" tells a fact or a state of mind. */
const NO_ACT = String.raw`(?!(?:have|had|are|were|was|need|can|can't|could|couldn't|would|don't|didn't|might|may|should|shouldn't|see|saw|know|knew|think|thought|want|wanted|hope|got|get|say|said|talk|talked|agree to disagree|never|just|all|still|already|also|both|either)\b)`;

const STATED: readonly RegExp[] = [
  new RegExp(
    String.raw`^${FILLER}(?:the )?(?:final )?(?:decision|decided|resolved|resolution|agreed|agreement|verdict|final call|final answer|consensus)(?: (?!we\b|that\b)[\p{L}']+){0,4}\s*(?::|–|—|-(?=\s)|(?<=\bthen),)\s*(?<what>.+)`,
    'iu',
  ),
  /\b(?:we|the team|everyone|everybody|they|the group|all)(?:'ve| have)?(?: all| just| now| finally| unanimously)* (?:decided|agreed|resolved|chose|opted|voted)(?: together)? (?<what>(?:to|that|on|against|not to|for|in favou?r of)\b.+)/i,
  /\b(?:it was|it's|that's|it is) (?:decided|agreed|settled|resolved)(?:,| that| to|:)\s*(?<what>.+)/i,
  /\b(?:we|the team)(?:'re| are|'ll| will| have|'ve)? (?:going with|go with|settled on|settling on|gone with|sticking (?:with|to)|stick with|moving forward with|chose|picked)\s+(?<what>.+)/i,
  new RegExp(String.raw`^${FILLER}(?:let's|lets) (?:go with|stick (?:with|to)|settle on)\s+(?<what>.+)`, 'i'),
  new RegExp(
    String.raw`^(?:ok(?:ay)?|alright|right|great|good|perfect|fine|cool)?[,:! ]*(?:then|so)[, ]+(?<what>we(?:'ll|'re| will| are)?(?: not)?(?: going to)? ${NO_ACT}\p{L}+.+)`,
    'iu',
  ),
  /^(?:(?:ok(?:ay)?|so|and)[, ]+)*(?<what>(?:we|the)\b.+?)[,;.–—-]+\s*(?:that's|it's|and that's) (?:settled|decided|final|agreed)\b/i,
  /^(?:final|settled|done deal)[:!,–—-]+\s*(?<what>.+)/i,
];
const PROPOSED: readonly RegExp[] = [
  /\b(?:let's|lets)(?: please| just| simply)? (?<what>(?:not )?.+)/i,
  /\b(?:how|what) about (?:if )?(?<what>(?:we |you |i )?.+)/i,
  /\b(?:i|we)(?:'d| would)? (?:also )?(?:propose|suggest|recommend|vote)(?: for| that| to| we)*[: ]+(?<what>.+)/i,
  /\bi(?:'d| would)? (?:also )?move (?:that|for|we)[: ]+(?<what>.+)/i,
  /\bmy (?:vote|proposal|suggestion)(?: is| would be| goes)?(?: for| to| that|:)*\s+(?<what>.+)/i,
  /\b(?<what>we (?:won't|will not|aren't going to|are not going to) .+)/i,
  /^(?:(?:my|our|a|new) )?(?:proposal|suggestion)\s*[:–—-]\s*(?<what>.+)/i,
  /\b(?:we should|we could|why don't we|shall we|should we|can we just)\s+(?<what>.+)/i,
  new RegExp(String.raw`^${FILLER}(?<what>we(?:'ll| will|'re| are)(?: not)?(?: going to)? ${NO_ACT}\p{L}+.+)`, 'iu'),
];

/** Small talk that has the form of a proposal. */
const NO_MATTER =
  /^(?:we )?(?:see|talk|chat|discuss|hope|wait|start|begin|get (?:started|going|moving|to it|back|into)|kick off|jump|dive|move on|continue|go(?:$|[ ,.!])(?! with)|take a (?:break|look)|have a look|say|be honest|face it|circle back|sync|meet|catch up|look at|keep (?:an eye|going)|just say|not (?:forget|panic|worry)|do (?:it|this|that)\b|hear|check|find out|figure out|get back|grab|celebrate|assume|take (?:it|this|that)\b|we started|come back|recap|park\b.*\bfor now|know|not get ahead)/i;
const OPEN_MATTER =
  /\b(?:if we (?:decided?|agreed?|go|went)|whether|not (?:yet )?(?:decided|agreed|settled)|haven't (?:decided|agreed|settled)|undecided|need to (?:decide|agree)|have to (?:decide|agree)|before we (?:decide|agree)|can't (?:decide|agree)|until we (?:decide|agree)|should have|could have|would have|nothing (?:was )?decided|hasn't been decided|no decision)\b/i;
const WITHDRAWS =
  /\b(?:scratch that|change of plans?|changed? (?:my|our) minds?|instead of|reverse(?:d)?|revert(?:ed|ing)? (?:the|that|our) decision|on second thought|actually,? (?:let's not|no)|correction|postpone[ds]?|moved? (?:it )?to|pushed? (?:it )?(?:back )?to|instead)\b/i;

/** What a sentence decides or proposes; null when it does neither. */
export function decisionCue({ said, plain }: Pick<Sentence, 'said' | 'plain'>): DecisionCue | null {
  if (OPEN_MATTER.test(plain)) return null;
  const asks = /\?\W*$/.test(plain);
  const stated = asks ? null : matter(STATED, said);
  if (stated !== null) return { kind: 'stated', what: stated };
  const proposed = matter(PROPOSED, said);
  return proposed === null || /^if\b|\bif we\b.*\?/.test(plain) ? null : { kind: 'proposed', what: proposed };
}

/** Whether a sentence takes back or replaces what was settled before. */
export function withdraws({ plain }: Pick<Sentence, 'plain'>): boolean {
  return WITHDRAWS.test(plain);
}

function matter(cues: readonly RegExp[], said: string): string | null {
  for (const cue of cues) {
    const what = cue.exec(said)?.groups?.what?.trim();
    if (what !== undefined && what !== '' && !NO_MATTER.test(what)) return what.replace(/^(?:that|to)\s+/i, '');
  }
  return null;
}
