import type { Person } from '../schemas.ts';
import type { Message } from './format.ts';
import { headsActions, isLabel } from './labels.ts';

const MENTION = /(?<![\w/.])@([\p{L}\p{N}_](?:[\p{L}\p{N}_.-]*[\p{L}\p{N}_])?)/gu;
const EVERYBODY = new Set(['here', 'everyone', 'channel', 'all', 'team']);
/** "Attendees: Ann Lee (chair), Bo" and its likes, as a line or as the heading of a list. */
const ATTENDEES =
  /^(?:attendees|participants|present|attending|people|in the room)\b\s{0,4}(?:\([^()]{0,80}\))?\s{0,4}:?(?<names>.*)$/i;
/** What only people do: a capitalised word before one of these is somebody. */
const PERSON_ACTS =
  /(?:^|[\s(:])(\p{Lu}[\p{Ll}]{1,14})[,:]?\s+(?:said|asked|agreed|proposed|suggested|confirmed|volunteered|noted|reported|objected|offered|promised|takes|owns|(?:will|to|should|can)\s+(?:also\s|then\s|please\s)?(?:announce|arrange|ask|book|bring|buy|call|chase|check|circulate|collect|compile|contact|coordinate|create|decide|design|draft|email|file|find|fix|follow|get|help|inform|investigate|invite|lead|look|make|meet|order|organi[sz]e|phone|pick|plan|prepare|present|propose|report|research|review|schedule|send|set|share|speak|submit|talk|tell|test|update|verify|visit|write))(?![\p{L}-])/gu;
const NOT_A_NAME =
  /^(?:we|they|it|this|that|he|she|you|i|who|what|which|there|these|those|everyone|everybody|someone|somebody|nobody|anyone|all|none|one|the|a|an|up|next|back|need|needs|want|wants|how|where|when|why|able|ready|happy|going|due|according|thanks|prior|similar|similarly|related|regarding|respect|write|mail|team|support|sales|legal|marketing|engineering|design|product|finance|management|operations|monday|tuesday|wednesday|thursday|friday|saturday|sunday|today|tomorrow|january|february|march|april|may|june|july|august|september|october|november|december)$/i;
const LABELLED_ACTION = /^(?:action(?: item)?|todo|to do|task)\s{0,2}:\s{1,4}/i;
/** The person in front of a task: one or two capitalised words. */
const OWNER = /^@?(\p{Lu}[\p{L}'’-]{1,20}(?: \p{Lu}[\p{L}'’-]{1,20})?)(?:\s?:| [–—-]) /u;
const LABELLED_OWNER =
  /^@?(\p{Lu}[\p{L}'’-]{1,20}(?: \p{Lu}[\p{L}'’-]{1,20})?)(?:\s?:| [–—-]| to| will| should| (?:adds|announces|arranges|asks|books|brings|builds|buys|calls|checks|contacts|creates|designs|documents|does|drafts|files|fixes|gets|invites|makes|merges|moves|orders|organi[sz]es|plans|prepares|presents|reviews|schedules|sends|sets|shares|talks|tells|tests|updates|writes)) /u;
/** Titles and degrees are no part of the name by which others call somebody. */
const TITLES = /^(?:dr|prof|mr|mrs|ms|mx|sir|dipl|ing|herr|frau|sig|sra?|mme)\.?$/i;
const DEGREES = /^(?:ph\.?d|m\.?d|m\.?sc|b\.?sc|m\.?a|b\.?a|mba|llm|esq|jr|sr|ii|iii)\.?$/i;

/**
 * Lists everybody in the talk with the names by which others call them: the full name, its first part where that is
 * unambiguous, and handles. Bots and the system are nobody. In notes, people come from the list of attendees and from
 * what only people do.
 */
export function buildRoster(messages: readonly Message[]): Person[] {
  const human = messages.filter(({ automated }) => !automated);
  const speakers = new Set(human.flatMap(({ speaker }) => speaker ?? []));
  const people = speakers.size > 0 ? [...speakers] : attendees(messages);
  const firstNames = Map.groupBy(people, (name) => firstName(callName(name)));
  const roster: Person[] = people.map((name) => ({
    name,
    aliases: aliases(name, firstNames),
    speaks: speakers.has(name),
  }));
  const bots = messages.flatMap(({ speaker, automated }) => (automated ? (speaker?.toLowerCase() ?? []) : []));
  const known = new Set([...bots, ...roster.flatMap(({ aliases: names }) => names)]);
  const parts = new Set(people.flatMap((name) => name.toLowerCase().split(/[\s,]+/)));
  for (const name of mentionedNames(human)) {
    if (known.has(name.toLowerCase()) || parts.has(name.toLowerCase())) continue;
    known.add(name.toLowerCase());
    roster.push({ name, aliases: [name.toLowerCase()], speaks: false });
  }
  return roster;
}

/** Who goes by this name, with or without an @; null when nobody does. */
export function personCalled(people: readonly Person[], called: string): string | null {
  const wanted = called
    .replace(/^@/, '')
    .replace(/[’']s$/, '')
    .toLowerCase();
  return people.find(({ aliases: known }) => known.includes(wanted))?.name ?? null;
}

function mentionedNames(messages: readonly Message[]): string[] {
  return unique(
    messages.flatMap((message) =>
      message.automated
        ? []
        : [
            ...[...message.text.matchAll(MENTION)].flatMap((match) => handle(match[1])),
            ...(message.speaker === null ? ownerNames(message) : []),
            ...actingNames(message.text),
          ],
    ),
  );
}

function handle(name: string | undefined): string[] {
  return name === undefined || EVERYBODY.has(name.toLowerCase()) ? [] : [name];
}

/** "Jo: write the docs" among things to do, and "Todo: Jo writes the docs". */
function ownerNames({ text, section, checked }: Message): string[] {
  const label = LABELLED_ACTION.exec(text)?.[0];
  if (label === undefined && checked === undefined && !headsActions(section)) return [];
  const owner = (label === undefined ? OWNER : LABELLED_OWNER).exec(text.slice(label?.length ?? 0))?.[1];
  return owner === undefined || NOT_A_NAME.test(owner) || isLabel(owner) ? [] : [owner];
}

function actingNames(text: string): string[] {
  return [...text.matchAll(PERSON_ACTS)].flatMap((match) => {
    const name = match[1];
    return name === undefined || NOT_A_NAME.test(name) || isLabel(name) ? [] : [name];
  });
}

function attendees(messages: readonly Message[]): string[] {
  const lists = messages.flatMap(({ text, section }) => {
    const inline = text.split('\n').flatMap((line) => ATTENDEES.exec(line)?.groups?.names ?? []);
    const listed = section !== undefined && ATTENDEES.test(section) ? text.split('\n') : [];
    return [...inline, ...listed];
  });
  const names = lists.flatMap((list) => {
    const plain = list.replace(/\([^()]{0,200}\)/g, '').replace(/\b(?:Dr|Prof|Mr|Mrs|Ms|Sir)\.?\s{1,4}/g, '');
    // Where semicolons part people, a comma stands inside a name.
    return plain.split(plain.includes(';') ? /[;&\n]/ : /[,&\n]|\band\b| – | - /);
  });
  return unique(
    names
      .map((name) => name.replace(/[.*@]/g, '').trim())
      .filter((name) => /^\p{Lu}[\p{L}'’.-]+(?:,? \p{Lu}[\p{L}'’.-]*){0,3}$/u.test(name)),
  );
}

/** "Lind, Mara" is called like "Mara Lind"; a title or a degree is not what anybody is called by. */
function aliases(name: string, firstNames: ReadonlyMap<string, readonly string[]>): string[] {
  const lower = name.toLowerCase();
  const called = callName(name);
  const first = firstName(called);
  const shared = (firstNames.get(first)?.length ?? 0) > 1;
  const known = [lower, called, ...['', '.', '_'].map((joint) => called.replace(/\s+/g, joint))];
  return unique(shared || !/^\p{L}{2}/u.test(first) ? known : [...known, first]);
}

function callName(name: string): string {
  const parts = name
    .toLowerCase()
    .replace(/^[~\s]+|[^\p{L}\p{N})]+$/gu, '')
    .split(/\s*,\s*/)
    .filter((part) => !DEGREES.test(part));
  const ordered = parts.length === 2 ? [parts[1], parts[0]] : parts;
  const words = ordered.join(' ').split(/\s+/);
  return words.filter((word, at) => at === words.length - 1 || !TITLES.test(word)).join(' ');
}

function firstName(called: string): string {
  return called.split(/[\s._|(]+/)[0] ?? called;
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
