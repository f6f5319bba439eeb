import { countWords } from '../parsing/parse-transcript.ts';
import { personCalled } from '../parsing/roster.ts';
import type { Participant, Transcript, Utterance } from '../schemas.ts';
import { linesOf } from './wording.ts';

const MENTION = /@([\p{L}\p{N}_](?:[\p{L}\p{N}_.-]*[\p{L}\p{N}_])?)/gu;
/** Most partners named per participant. */
const PARTNERS = 5;

interface Tally {
  readonly utterances: Utterance[];
  words: number;
  questions: number;
  readonly partners: Map<string, { exchanges: number; line: number }>;
}

/**
 * Counts who spoke how much and with whom. An exchange is a reply, a mention by name, or two direct neighbours in the
 * talk; it counts for both sides. Works in every language. Most active first. In notes nobody speaks: there, people
 * count by the entries that name them, with no words.
 */
export function findParticipants(transcript: Transcript): Participant[] {
  const tallies = new Map<string, Tally>();
  if (transcript.statistics.speakers === 0) return namedPeople(transcript);
  const speaking = new Set(transcript.people.filter(({ speaks }) => speaks).map(({ name }) => name));
  const spoken = transcript.utterances.filter(({ speaker, automated }) => speaker !== null && !automated);
  spoken.forEach((utterance, at) => {
    count(tallies, transcript, { utterance, previous: spoken[at - 1], speaking });
  });
  const words = [...tallies.values()].reduce((sum, tally) => sum + tally.words, 0);
  const participants = [...tallies].map(([name, tally]) => described(name, tally, words));
  return participants.sort((one, other) => other.messages - one.messages || other.words - one.words);
}

function namedPeople({ people, utterances }: Transcript): Participant[] {
  const named = people.flatMap(({ name, aliases }) => {
    const entries = utterances.filter(({ text }) =>
      aliases.some((alias) =>
        new RegExp(String.raw`(?<![\p{L}\p{N}])${RegExp.escape(alias)}(?![\p{L}\p{N}])`, 'iu').test(text),
      ),
    );
    const lines = linesOf(...entries);
    const [firstLine, lastLine] = [lines[0], lines.at(-1)];
    if (firstLine === undefined || lastLine === undefined) return [];
    return [{ name, messages: entries.length, words: 0, share: 0, questions: 0, firstLine, lastLine, talksWith: [] }];
  });
  return named.sort((one, other) => other.messages - one.messages);
}

/** An utterance, the one before it, and the names of all who speak. */
interface Said {
  readonly utterance: Utterance;
  readonly previous: Utterance | undefined;
  readonly speaking: ReadonlySet<string>;
}

function count(tallies: Map<string, Tally>, transcript: Transcript, { utterance, previous, speaking }: Said): void {
  const speaker = utterance.speaker ?? '';
  const tally = tallyOf(tallies, speaker);
  tally.utterances.push(utterance);
  tally.words += utterance.wordless ? 0 : countWords(utterance.text);
  tally.questions += !utterance.wordless && /\?/.test(utterance.text) ? 1 : 0;
  for (const partner of partnersOf(transcript, { utterance, previous, speaking })) {
    if (partner === speaker) continue;
    meet(tally, partner, utterance.line);
    meet(tallyOf(tallies, partner), speaker, utterance.line);
  }
}

/** A reply says whom it is meant for; only where none is linked does the neighbour count. */
function partnersOf(transcript: Transcript, { utterance, previous, speaking }: Said): Set<string> {
  const answered = utterance.replyTo === null ? previous : transcript.utterances[utterance.replyTo];
  const mentioned = [...utterance.text.matchAll(MENTION)].flatMap(
    ([, name]) => personCalled(transcript.people, name ?? '') ?? [],
  );
  const partners = [...mentioned.filter((name) => speaking.has(name)), answered?.speaker].flatMap((name) => name ?? []);
  return new Set(partners);
}

function tallyOf(tallies: Map<string, Tally>, name: string): Tally {
  const known = tallies.get(name) ?? { utterances: [], words: 0, questions: 0, partners: new Map() };
  tallies.set(name, known);
  return known;
}

function meet(tally: Tally, partner: string, line: number): void {
  const known = tally.partners.get(partner) ?? { exchanges: 0, line };
  tally.partners.set(partner, { exchanges: known.exchanges + 1, line: known.line });
}

function described(name: string, { utterances, words, questions, partners }: Tally, allWords: number): Participant {
  const lines = linesOf(...utterances);
  const talksWith = [...partners].map(([partner, exchange]) => ({ name: partner, ...exchange }));
  return {
    name,
    messages: utterances.length,
    words,
    share: allWords === 0 ? 0 : Math.round((1000 * words) / allWords) / 1000,
    questions,
    firstLine: lines[0] ?? 1,
    lastLine: lines.at(-1) ?? 1,
    talksWith: talksWith.sort((one, other) => other.exchanges - one.exchanges).slice(0, PARTNERS),
  };
}
