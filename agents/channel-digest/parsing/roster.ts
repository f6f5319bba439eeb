import type { Person } from '../schemas.ts';
import type { Message } from './message.ts';

const MENTION = /(?<![\w/.])@([\p{L}\p{N}_](?:[\p{L}\p{N}_.-]*[\p{L}\p{N}_])?)/gu;
const EVERYBODY = new Set(['here', 'everyone', 'channel', 'all', 'team']);
/** "Attendees: Ann Lee (chair), Bo" and its likes, as a line or as the heading of a list. */
const ATTENDEES =
  /^(?:attendees|participants|present|attending|people|in the room)\b\s*(?:\([^)]*\))?\s*:?\s*(?<names>.*)$/i;
/** What only people do: a capitalised word before one of these is somebody. */
const PERSON_ACTS =
  /(?:^|[\s(:])(\p{Lu}[\p{Ll}]{1,14})(?:,)?\s+(?:will\s|said\s|asked\s|agreed\s|proposed\s|suggested\s|confirmed\s|volunteered\s|noted\s|reported\s|raised\s|offered\s|takes\s|owns\s|to\s+(?!the\b|be\b|a\b|an\b)\p{Ll})/gu;
const NOT_A_NAME =
  /^(we|they|it|this|that|he|she|you|i|who|what|which|there|these|those|everyone|everybody|someone|somebody|nobody|anyone|all|none|one|the|a|an|up|next|back|need|needs|want|wants|how|where|when|why|able|ready|happy|going|due|according|thanks|prior|similar|similarly|related|regarding|respect|action|decision|team|next|support|sales|legal|marketing|engineering|design|product|finance|monday|tuesday|wednesday|thursday|friday|saturday|sunday|today|tomorrow|january|february|march|april|may|june|july|august|september|october|november|december)$/i;

/**
 * Lists everybody in the talk with the names by which others call them: the full name, its first part where that is
 * unambiguous, and handles. In notes, people come from the list of attendees and from what only people do.
 */
export function buildRoster(messages: readonly Message[]): Person[] {
  const speakers = unique(messages.flatMap(({ speaker }) => speaker ?? []));
  const people = speakers.length > 0 ? speakers : attendees(messages);
  const roster: Person[] = people.map((name) => ({
    name,
    aliases: aliases(name, people),
    speaks: speakers.includes(name),
  }));
  for (const name of mentionedNames(messages)) {
    if (personCalled(roster, name) === null) roster.push({ name, aliases: [name.toLowerCase()], speaks: false });
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
    messages.flatMap(({ text, automated }) =>
      automated ? [] : [...[...text.matchAll(MENTION)].flatMap((match) => handle(match[1])), ...actingNames(text)],
    ),
  );
}

function handle(name: string | undefined): string[] {
  return name === undefined || EVERYBODY.has(name.toLowerCase()) ? [] : [name];
}

function actingNames(text: string): string[] {
  return [...text.matchAll(PERSON_ACTS)].flatMap((match) => {
    const name = match[1];
    return name === undefined || NOT_A_NAME.test(name) ? [] : [name];
  });
}

function attendees(messages: readonly Message[]): string[] {
  const lists = messages.flatMap(({ text, section }) => {
    const inline = text.split('\n').flatMap((line) => ATTENDEES.exec(line)?.groups?.names ?? []);
    const listed = section !== undefined && ATTENDEES.test(section) ? text.split('\n') : [];
    return [...inline, ...listed];
  });
  const names = lists.flatMap((list) =>
    list
      .replace(/\([^)]*\)/g, '')
      .replace(/\b(?:Dr|Prof|Mr|Mrs|Ms|Sir)\.?\s+/g, '')
      .split(/[,;&]|\band\b|\n| – | - /),
  );
  return unique(
    names
      .map((name) => name.replace(/[.*@]/g, '').trim())
      .filter((name) => /^\p{Lu}[\p{L}'’.-]+( \p{Lu}[\p{L}'’.-]*){0,3}$/u.test(name)),
  );
}

function aliases(name: string, everybody: readonly string[]): string[] {
  const lower = name.toLowerCase();
  const first = lower.split(/[\s._|(]+/)[0] ?? lower;
  const shared = everybody.filter((other) => other.toLowerCase().split(/[\s._|(]+/)[0] === first).length > 1;
  const known = [lower, lower.replace(/\s+/g, ''), lower.replace(/\s+/g, '.'), lower.replace(/\s+/g, '_')];
  return unique(shared || first.length < 2 ? known : [...known, first]);
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
