import type { Sentence } from '../language/sentences.ts';
import { personCalled } from '../parsing/roster.ts';
import type { Conversation } from './conversation.ts';

/**
 * `commitment`: the speaker will do it. `acceptance`: the speaker takes what was asked for. `request`: somebody is asked.
 * `need`: nobody in particular is asked. `assignment`: somebody is said to do it.
 */
export interface ActionCue {
  readonly kind: 'commitment' | 'acceptance' | 'request' | 'need' | 'assignment';
  /** What is to be done, in the words of the sentence; empty for a bare acceptance. */
  readonly what: string;
  /** Whom a request or an assignment names. */
  readonly who: string | null;
}

/** First words after "I'll" and its likes that promise nothing anybody would track. */
const IDLE =
  /^(?:be\b|bet\b|say\b|admit\b|see\b|miss\b|pass\b|wait\b|never\b|always\b|probably (?:be|never)\b|assume\b|believe\b|take (?:your|his|her|their) word|let you go|go (?:get|grab|to (?:bed|lunch|sleep))|get (?:back to (?:you|work)|a coffee|coffee|lunch|some)|grab\b|have (?:a |to (?:go|run)|lunch|coffee|another)|leave (?:it|that|you|now|early)|start a riot|shut up|stop\b|need\b|know\b|think\b|try (?:to sleep|not)|not\b|go first\b|head (?:out|off|home)|join\b|drop\b|remember\b|understand\b|live with|survive|wish\b|buy you|eat\b|stay\b|hear\b|guess\b|regret\b|love\b|like\b|me\b|feel\b|imagine\b|only say\b|just say\b|repeat\b|happily\b|cry\b|quote you|show myself|manage\b|agree\b|second\b|second that|trust\b|hold you|tell you (?:what|that)|ask (?:again|differently))/i;
const IDLE_CAN =
  /^(?:see|hear|tell|imagine|understand|live|only|never|also see|relate|confirm|reproduce|agree|think|believe|feel|recommend|recall|remember|attest|imagine|'t)\b/i;

const COMMITMENT =
  /\b(?:I'll|I'm going to|I am going to|I'm gonna|I shall|I promise to|I plan to|I intend to|I volunteer to|I'd be happy to|happy to|let me)\s+(?:also |just |then |quickly |gladly |probably |try (?:to|and) )*(?<what>\p{L}.+)/iu;
const CAN = /\bI (?:can|could)\s+(?:also |just |quickly |easily )*(?<what>\p{L}.+)/iu;
const ACCEPTS =
  /^(?:ok(?:ay)?[,.!]* |yes[,.!]* |yep[,.!]* |sure[,.!]* |alright[,.!]* )*(?:(?:already )?on it|I'm (?:already )?on it|I am on it|doing (?:it|that|so) (?:right )?now|me\b(?! too| neither| either)|mine\b|will do|I do\b(?! not|n't)|I (?:will|can|could)[.!]*$|I(?:'ve)? got (?:this|it|that)|I volunteer[.!]*$|(?:I'll|I can|I could|happy to|let me) (?:do|take|handle|own|pick|grab|cover) (?:it|that|this|one|them|care|up)\b.*)/i;
const REQUEST =
  /\b(?:(?:can|could|would|will) you(?: please| maybe| also| perhaps)?|would you mind|please|you(?:'ll| will)? (?:need|have) to|mind)\s+(?<what>\p{L}.+)/iu;
const NOT_ASKED =
  /^(?:say|tell me (?:more|why)|explain|believe|imagine|remember|see|hear|guess|confirm that|elaborate|repeat|do me|share your thoughts|no\b|yes\b|don't|stop|note that|be\b|everyone|all\b|help me understand|live with)/i;
const NEED =
  /\b(?:some(?:body|one)|any(?:body|one)|one of us)(?: else)? (?:needs? to|has to|have to|must|should|will have to|wants? to|please|able to|could|can)\s+(?<what>\p{L}.+)/iu;
const WHO_ASKED =
  /\b(?:can|could|would|will) (?:some(?:body|one)|any(?:body|one))(?: else| please)* (?<what>\p{L}.+)/iu;
const WHO =
  /^(?:(?:ok(?:ay)?|so|and|but|also)[, ]+)*who(?:'s going to|'ll|\s+(?:can|could|will|would like to|wants to|is going to|volunteers to|takes care of|has time to))\s+(?<what>\p{L}.+)/iu;
const WHO_DOES =
  /^(?:(?:ok(?:ay)?|so|and|but|also)[, ]+)*who (?<verb>takes|tells|writes|does|owns|handles|sends|updates|asks|drafts|books|tests|reviews|prepares|informs|announces|merges|orders|organi[sz]es|calls|contacts)\s+(?<what>\p{L}.+)/iu;
const WE_NEED = /\bwe (?:really |still |also )?(?:need to|have to|must)\s+(?<what>\p{L}.+)/iu;
const LABELLED =
  /^(?:action(?: item)?|todo|to do|task|ai|follow[- ]?up)\b\s*(?:\((?<owner>[\p{L}\p{N} .@_-]+)\))?\s*[:–—-]\s*(?<what>.+)/iu;
const ASSIGNED =
  /(?<![\p{L}@])@?(?<who>\p{L}[\p{L}\p{N}_.-]*(?: \p{Lu}\p{L}+)?)[,:]? (?:will|is going to|to|takes|owns|has to|volunteered to|agreed to|offered to|promised to|is assigned to|should|takes on|committed to)\s+(?:also |then |please )*(?<what>(?!be\b|have\b|never\b|probably\b|know\b|love\b|hate\b|like\b|need\b|not\b)\p{L}.+)/gu;

/** What a sentence asks, promises or assigns; null when it does none of these. */
export function actionCue(sentence: Sentence, conversation: Conversation): ActionCue | null {
  const { said } = sentence;
  const addressee = conversation.addressee(sentence);
  const accepted = ACCEPTS.test(said) && !/\?\W*$/.test(said);
  const commitment = promise(said);
  if (commitment !== null) return { kind: 'commitment', what: commitment, who: sentence.speaker };
  if (accepted) return { kind: 'acceptance', what: '', who: sentence.speaker };
  const labelled = LABELLED.exec(said)?.groups;
  if (labelled !== undefined) return labelledCue(labelled, conversation);
  const need = needed(said);
  if (need !== null) return { kind: 'need', what: need, who: null };
  const asked = REQUEST.exec(said)?.groups?.what;
  if (asked !== undefined && !NOT_ASKED.test(asked)) {
    return { kind: 'request', what: withoutAddressee(asked, conversation), who: addressee };
  }
  return assigned(sentence, conversation);
}

/** Whether a question is in truth a request, which an answer does not settle. */
export function isRequest(sentence: Sentence): boolean {
  const asked = REQUEST.exec(sentence.said)?.groups?.what;
  return (asked !== undefined && !NOT_ASKED.test(asked)) || needed(sentence.said) !== null;
}

/** Whether a question asks who will do something: a request while somebody may take it, a question if nobody does. */
export function asksWhoDoes({ said }: Pick<Sentence, 'said'>): boolean {
  return /\?\W*$/.test(said) && (WHO.test(said) || WHO_DOES.test(said));
}

/** "clean the runners again, fern?": the name at the end is not a part of the task. */
function withoutAddressee(asked: string, { people }: Conversation): string {
  return asked.replace(/[,\s]+(\p{L}[\p{L}\p{N}_-]*)\s*[?.!]*$/u, (ending, word: string) => {
    const before = asked.slice(0, -ending.length);
    return personCalled(people, word) === null || /\b(?:to|with|for|from|and|tell|ask|call|ping)$/.test(before)
      ? ending
      : '';
  });
}

function promise(said: string): string | null {
  if (/\?\W*$/.test(said) || /\bif I\b/i.test(said)) return null;
  const what = COMMITMENT.exec(said)?.groups?.what;
  if (what !== undefined) return IDLE.test(what) || isAnaphoric(what) ? null : what;
  const able = CAN.exec(said)?.groups?.what;
  return able === undefined || IDLE_CAN.test(able) || IDLE.test(able) || isAnaphoric(able) ? null : able;
}

/** "do it", "take that": says nothing without what came before. */
function isAnaphoric(what: string): boolean {
  return /^(?:do|take|handle|own|pick|grab|cover) (?:it|that|this|one|them|care of (?:it|that|this)|it up|that up)\b/i.test(
    what,
  );
}

function needed(said: string): string | null {
  const what = (WHO_ASKED.exec(said) ?? NEED.exec(said) ?? WHO.exec(said))?.groups?.what;
  if (what !== undefined)
    return /^(?:explain|tell me|remember|remind|hear|see|know|think|say|confirm)\b/i.test(what) ? null : what;
  const does = WHO_DOES.exec(said)?.groups;
  if (does !== undefined) return `${baseForm(does.verb ?? '')} ${does.what ?? ''}`;
  const ours = WE_NEED.exec(said)?.groups?.what;
  return ours === undefined || /\?\W*$/.test(said) ? null : ours;
}

function baseForm(verb: string): string {
  return verb === 'does' ? 'do' : verb.replace(/s$/, '');
}

function labelledCue(groups: Readonly<Record<string, string>>, conversation: Conversation): ActionCue {
  const what = groups.what ?? '';
  const owner = groups.owner === undefined ? null : (personCalled(conversation.people, groups.owner) ?? groups.owner);
  const named =
    /^@?(?<who>[\p{L}\p{N}_.-]+)(?:\s*[:–—-]\s*|,? (?:to|will|should) |\s(?=(?<verb>\p{Ll}{2,14}s)\s))(?<rest>.+)/u.exec(
      what,
    )?.groups;
  const called = named === undefined ? null : personCalled(conversation.people, named.who ?? '');
  if (called !== null && named !== undefined) {
    const { verb, rest = what } = named;
    return {
      kind: 'assignment',
      what: verb === undefined ? rest : baseForm(verb) + rest.slice(verb.length),
      who: called,
    };
  }
  return { kind: 'assignment', what, who: owner };
}

function assigned({ said }: Sentence, conversation: Conversation): ActionCue | null {
  if (/\?\W*$/.test(said)) return null;
  for (const { groups } of said.matchAll(ASSIGNED)) {
    const name = groups?.who ?? '';
    const who =
      personCalled(conversation.people, name) ?? personCalled(conversation.people, name.split(' ').at(-1) ?? '');
    const what = groups?.what;
    if (who !== null && what !== undefined && !IDLE.test(what)) return { kind: 'assignment', what, who };
  }
  return null;
}
