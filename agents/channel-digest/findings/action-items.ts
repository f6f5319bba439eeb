import { eachInSlices } from '../language/read-sentences.ts';
import { isContained, overlap, type Sentence } from '../language/sentences.ts';
import { wordRoots } from '../language/word-roots.ts';
import { headsActions } from '../parsing/labels.ts';
import { personCalled } from '../parsing/roster.ts';
import type { ActionItem } from '../schemas.ts';
import { type ActionCue, actionCue } from './action-cues.ts';
import type { Conversation, Turn } from './conversation.ts';
import { decisionCue } from './decision-cues.ts';
import { bareDueDate, findDueDate } from './due-date.ts';
import { resolve } from './references.ts';
import { stanceOf, stanceOfTurn } from './stance.ts';
import { isVague, linesOf, saysNone, splitTask } from './wording.ts';

const ANSWER_WINDOW = 10;
/** Items back to which an answer or a repetition is looked for: bounds the work on very long texts. */
const REMEMBERED = 200;
/** "somebody has to find a reviewer" – "I could ask her". */
const OFFER = /\b(?:her|him|them|it|that)\b/;
const DONE = /\b(?:done|finished|merged|fixed|deployed|uploaded|completed|sent|published|rotated|booked)\b/;

/** An item while it is collected: who was asked first, who took it, where it was said. */
interface Item {
  text: string;
  owner: string | null;
  due: string | null;
  state: ActionItem['state'];
  /** A need that nobody has to take: dropped unless somebody does. */
  readonly loose: boolean;
  readonly sentence: Sentence;
  /** Roots of the text's own words. */
  readonly terms: ReadonlySet<string>;
  readonly lines: Set<number>;
}

/**
 * Finds who is to do what by when: promises ("I'll …"), requests and who took them ("@ann can you …" – "sure"),
 * needs that somebody took ("who can …?" – "me"), assignments ("Ann will …") and what notes list as actions.
 * One promise told twice is one item with both lines. A request that nobody answered is `unconfirmed`.
 */
export async function findActionItems(conversation: Conversation): Promise<ActionItem[]> {
  const items: Item[] = [];
  await eachInSlices(conversation.sentences, conversation.pace, (sentence) => {
    const recent = items.slice(-REMEMBERED);
    for (const item of listedItems(conversation, sentence) ?? spokenItems(conversation, sentence, recent))
      add(conversation, items, item);
  });
  await eachInSlices(items, conversation.pace, (item) => settle(conversation, item));
  const kept = items.filter(({ loose, owner, due }) => !loose || owner !== null || due !== null);
  return kept.map(({ text, owner, due, state, lines }) => ({
    text,
    owner,
    due,
    state,
    lines: [...lines].sort((a, b) => a - b),
  }));
}

/** Items of a list headed "Action items" and of check boxes anywhere; null when the sentence is neither. */
function listedItems(conversation: Conversation, sentence: Sentence): Item[] | null {
  const { utterance } = sentence;
  if (utterance.checked === null && !(utterance.speaker === null && headsActions(utterance.section))) return null;
  if (conversation.sentences[sentence.index - 1]?.utterance === utterance || saysNone(sentence.said)) return [];
  const owned = ownerOf(sentence.said.replace(/\n/g, ' '), conversation);
  const { rest, due: last } = dueAtEnd(owned.rest);
  const whole = findDueDate(rest);
  const state = utterance.checked === true ? 'done' : 'open';
  const parts = splitTask(rest);
  return parts.map(({ text, due }) =>
    newItem(sentence, { text, due: due ?? whole?.due ?? last, owner: owned.owner, state }),
  );
}

/** "… – Tuesday", as the last cell of a table has it. */
function dueAtEnd(text: string): { rest: string; due: string | null } {
  const dash = text.lastIndexOf(' – ');
  const due = dash < 0 ? null : bareDueDate(text.slice(dash + 3));
  return { rest: due === null ? text : text.slice(0, dash), due };
}

/** "Ann: …", "Ann to …", "… (Ann, Friday)", "… – Ann", "@ann …". */
function ownerOf(text: string, conversation: Conversation): { owner: string | null; rest: string } {
  const front =
    /^@?(?<who>\p{L}[\p{L}\p{N}_.-]*(?: \p{Lu}\p{L}+)?)(?:\s*[:–—]\s*|\s+-\s+|,? (?:to|will|should) |\s+(?=\p{Ll}))(?<rest>.+)/u.exec(
      text,
    )?.groups;
  const inFront = front === undefined ? null : personCalled(conversation.people, front.who ?? '');
  if (inFront !== null && front !== undefined) return { owner: inFront, rest: front.rest ?? text };
  const behind =
    /^(?<rest>.+?)\s*(?:\((?:owner: ?)?@?(?<inside>\p{L}[\p{L}\p{N}_.-]*)(?<more>[^)]*)\)|[–—-] ?@?(?<after>\p{L}[\p{L}\p{N}_.-]*)(?<tail>.*))[.]?$/u.exec(
      text,
    )?.groups;
  const owner = behind === undefined ? null : personCalled(conversation.people, behind.inside ?? behind.after ?? '');
  if (owner === null || behind === undefined) return { owner: null, rest: text };
  return { owner, rest: `${behind.rest ?? ''}${behind.more ?? ''}${behind.tail ?? ''}` };
}

function spokenItems(conversation: Conversation, sentence: Sentence, items: readonly Item[]): Item[] {
  const cue = actionCue(sentence, conversation);
  if (cue === null) return [];
  const near = nearTask(conversation, sentence, items);
  const tasks = splitTask(cue.what).map(({ text, due }) => ({ ...resolve(conversation, sentence, text, near), due }));
  const first = tasks[0]?.text ?? '';
  if (cue.kind === 'acceptance' || (cue.kind === 'commitment' && isVague(first))) {
    const what = cue.kind === 'commitment' ? first : '';
    return take(conversation, sentence, { items, what }) ? [] : proposedTask(conversation, sentence);
  }
  if (cue.kind === 'commitment' && claim(conversation, sentence, { items, text: first })) return [];
  return tasks.flatMap(({ text: words, context, due }) => {
    const text = cue.kind === 'request' ? words.replace(/\bme\b/, sentence.speaker ?? 'me') : words;
    if (isVague(text)) return [];
    const facts = {
      text,
      due: due ?? findDueDate(sentence.said)?.due ?? null,
      owner: ownerFor(cue),
      state: stateFor(cue, sentence),
    };
    const item = newItem(sentence, facts, cue);
    for (const line of context === null ? [] : linesOf(context)) item.lines.add(line);
    return [item];
  });
}

/** The task that "it" may mean: not where somebody has just asked about something else. */
function nearTask(conversation: Conversation, sentence: Sentence, items: readonly Item[]): string | undefined {
  const item = items.findLast(({ sentence: said }) => conversation.distance(said.utterance, sentence.utterance) <= 4);
  const [before] = conversation.before(sentence.utterance, 1);
  const isAsked = before?.sentences.some(({ plain }) => /\?\W*$/.test(plain)) ?? false;
  return isAsked && before?.utterance !== item?.sentence.utterance ? undefined : item?.text;
}

function ownerFor(cue: ActionCue): string | null {
  return cue.kind === 'need' || cue.kind === 'acceptance' ? null : cue.who;
}

/** In a talk, what somebody says of another is a wish until that one agrees; in notes it is a record. */
function stateFor(cue: ActionCue, { speaker }: Sentence): ActionItem['state'] {
  const ofAnother = speaker !== null && cue.who !== null && cue.who !== speaker;
  return cue.kind === 'request' || (cue.kind === 'assignment' && ofAnother) ? 'unconfirmed' : 'open';
}

function newItem(sentence: Sentence, facts: Pick<Item, 'text' | 'due' | 'owner' | 'state'>, cue?: ActionCue): Item {
  const loose =
    (cue?.kind === 'need' || cue?.kind === 'request') &&
    facts.owner === null &&
    !/\bsome(?:body|one)\b.*\b(?:needs?|has|must|should)\b/.test(sentence.plain);
  return { ...facts, loose, sentence, terms: wordRoots(facts.text), lines: new Set(linesOf(sentence)) };
}

/** A bare "I'll do it" takes the nearest thing that was asked for and that nobody has; `what` is what it promises. */
function take(
  conversation: Conversation,
  sentence: Sentence,
  { items, what = '' }: { items: readonly Item[]; what?: string },
): boolean {
  const wanted = items.findLast(
    (item) => isFree(conversation, item, sentence) && meets(conversation, item, { sentence, what }),
  );
  if (wanted === undefined || sentence.speaker === null) return false;
  wanted.owner = sentence.speaker;
  wanted.state = 'open';
  wanted.due ??= findDueDate(sentence.said)?.due ?? null;
  wanted.lines.add(sentence.line);
  return true;
}

/** "I'll fix it" has a verb of its own: it meets what was asked just before, or what names the same act. */
function meets(
  conversation: Conversation,
  item: Item,
  { sentence, what }: { sentence: Sentence; what: string },
): boolean {
  const act = wordRoots(what);
  const next = conversation.distance(item.sentence.utterance, sentence.utterance) === 1;
  return act.size === 0 || next || overlap(item.terms, act) > 0;
}

/** "we should write our own check" – "I can start tomorrow": who offers to act on a proposal takes it. */
function proposedTask(conversation: Conversation, sentence: Sentence): Item[] {
  const [turn] = conversation.before(sentence.utterance, 1);
  const proposal =
    turn?.speaker === sentence.speaker
      ? undefined
      : turn?.sentences.find((said) => decisionCue(said)?.kind === 'proposed');
  const [task] = splitTask(
    (proposal === undefined ? null : decisionCue(proposal)?.what)?.replace(/^we (?:'ll |will )?/i, '') ?? '',
  );
  if (proposal === undefined || task === undefined || isVague(task.text)) return [];
  const due = findDueDate(sentence.said)?.due ?? task.due;
  const item = newItem(sentence, { text: task.text, due, owner: sentence.speaker, state: 'open' });
  for (const line of linesOf(proposal)) item.lines.add(line);
  return [item];
}

/** "I'll write the ticket" settles "@bo, can you write the ticket?", no matter who says it. Returns whether it did. */
function claim(
  conversation: Conversation,
  sentence: Sentence,
  { items, text }: { items: readonly Item[]; text: string },
): boolean {
  const wanted = items.findLast((item) => isFree(conversation, item, sentence));
  if (wanted === undefined) return false;
  const offers = conversation.distance(wanted.sentence.utterance, sentence.utterance) === 1 && OFFER.test(text);
  if (!offers && overlap(wanted.terms, wordRoots(text)) < 0.5) return false;
  take(conversation, sentence, { items });
  return true;
}

function isFree(conversation: Conversation, item: Item, sentence: Sentence): boolean {
  const asked = item.state === 'unconfirmed' || item.owner === null;
  const near = conversation.distance(item.sentence.utterance, sentence.utterance) <= ANSWER_WINDOW;
  const answers = sentence.utterance.replyTo === item.sentence.utterance.index;
  return asked && (near || answers) && item.sentence.speaker !== null && item.sentence.utterance !== sentence.utterance;
}

/** Soon after, likeness is enough; later, one has to say nothing that the other does not say too. */
function isSameTask(conversation: Conversation, earlier: Item, item: Item): boolean {
  const sameOwner = earlier.owner === item.owner || earlier.owner === null || item.owner === null;
  if (!sameOwner || earlier.sentence === item.sentence || item.terms.size < 2 || earlier.terms.size < 2) return false;
  const near = conversation.distance(earlier.sentence.utterance, item.sentence.utterance) <= 2 * ANSWER_WINDOW;
  return near ? overlap(earlier.terms, item.terms) >= 0.6 : isContained(earlier.terms, item.terms);
}

function add(conversation: Conversation, items: Item[], item: Item): void {
  const same = items.slice(-REMEMBERED).find((other) => isSameTask(conversation, other, item));
  if (same === undefined) items.push(item);
  else {
    same.owner ??= item.owner;
    same.due ??= item.due;
    if (item.state === 'open' && same.state === 'unconfirmed') same.state = 'open';
    for (const line of item.lines) same.lines.add(line);
  }
}

/** Reads the answers: who agreed or declined, when it will be done, whether it was. */
function settle(conversation: Conversation, item: Item): void {
  for (const turn of conversation.after(item.sentence.utterance, ANSWER_WINDOW)) {
    if (turn.speaker === null) continue;
    if (item.state === 'unconfirmed' && turn.speaker !== item.sentence.speaker) answerRequest(item, turn, conversation);
    item.due ??= dueInReply(conversation, item, turn);
  }
  if (item.state !== 'done' && item.owner !== null && wasDone(conversation, item)) item.state = 'done';
}

function answerRequest(item: Item, turn: Turn, conversation: Conversation): void {
  const asked =
    item.owner === null
      ? conversation.distance(item.sentence.utterance, turn.utterance) === 1
      : turn.speaker === item.owner;
  if (!asked) return;
  const stance = stanceOfTurn(turn);
  if (stance === 'agrees') {
    item.owner = turn.speaker;
    item.state = 'open';
    item.lines.add(turn.utterance.line);
    item.due ??= findDueDate(turn.utterance.text)?.due ?? null;
  } else if (stance === 'refuses') item.owner = null;
}

/** A date alone, soon after the promise: "by when?" – "Wednesday". */
function dueInReply(conversation: Conversation, item: Item, turn: Turn): string | null {
  if (conversation.distance(item.sentence.utterance, turn.utterance) > 4) return null;
  for (const { said, line } of turn.sentences) {
    const promised = turn.speaker === item.owner && stanceOf({ plain: said.toLowerCase() }) === 'agrees';
    const due = bareDueDate(said) ?? (promised ? findDueDate(said)?.due : null);
    if (due !== null && due !== undefined) {
      item.lines.add(line);
      return due;
    }
  }
  return null;
}

function wasDone(conversation: Conversation, item: Item): boolean {
  const later = conversation.sentences.slice(item.sentence.index + 1, item.sentence.index + 400);
  const report = later.find(
    ({ speaker, plain, terms }) =>
      speaker === item.owner &&
      DONE.test(plain) &&
      !/\b(?:not|n't|once|when|until|if|will be|should be)\b/.test(plain) &&
      overlap(terms, item.sentence.terms) >= 0.5,
  );
  if (report !== undefined) item.lines.add(report.line);
  return report !== undefined;
}
