import { eachInSlices, type Pace, readSentences } from '../language/read-sentences.ts';
import type { Sentence } from '../language/sentences.ts';
import type { Topic, Transcript } from '../schemas.ts';
import { nounPhrases } from './noun-phrases.ts';
import { isVague, linesOf } from './wording.ts';

/** Lines cited per topic. */
const CITED = 6;

interface Term {
  readonly key: string;
  readonly stems: readonly string[];
  readonly wordings: Map<string, number>;
  readonly sentences: Set<Sentence>;
}

/**
 * Finds what the talk is about: noun phrases weighed by how often, by how many people and in how many words they are
 * said; phrases that share words make one topic. At most `most` topics, weightiest first; a phrase said once is none,
 * unless the text is so short that everything is said once.
 */
export async function findTopics(transcript: Transcript, most: number, pace: Pace): Promise<Topic[]> {
  const sentences = await readSentences(transcript, pace);
  const names = new Set(
    transcript.people.flatMap(({ name, aliases }) => [...aliases, ...name.toLowerCase().split(/[^\p{L}\p{N}]+/u)]),
  );
  const terms = new Map<string, Term>();
  await eachInSlices(sentences, pace, (sentence) => collect(sentence, names, terms));
  const least = sentences.length < 12 ? 1 : 2;
  const common = [...terms.values()].filter(({ sentences: said }) => said.size >= least);
  const weights = weigh(common);
  const ranked = common.sort(
    (one, other) => (weights.get(other) ?? 0) - (weights.get(one) ?? 0) || (one.key < other.key ? -1 : 1),
  );
  const quoted = new Set<Sentence>();
  return grouped(ranked, most).map((group) => topicOf(group, quoted));
}

function collect(sentence: Sentence, names: ReadonlySet<string>, terms: Map<string, Term>): void {
  for (const { key, stems, text } of nounPhrases(sentence, names)) {
    const term: Term = terms.get(key) ?? { key, stems, wordings: new Map(), sentences: new Set() };
    terms.set(key, term);
    term.wordings.set(text, (term.wordings.get(text) ?? 0) + 1);
    term.sentences.add(sentence);
  }
}

/**
 * Frequency beyond that inside longer phrases, with a bonus for length (a longer phrase says more) and for being on
 * several people's lips. Without the first, "test" would win over "load test" and "rollback test" by their sum.
 */
function weigh(terms: readonly Term[]): Map<Term, number> {
  const containing = new Map<string, Term[]>();
  for (const term of terms) {
    for (const stem of term.stems) {
      const known = containing.get(stem);
      if (known === undefined) containing.set(stem, [term]);
      else known.push(term);
    }
  }
  return new Map(
    terms.map((term) => [
      term,
      weight(
        term,
        (containing.get(term.stems[0] ?? '') ?? []).filter((other) => contains(other, term)),
      ),
    ]),
  );
}

function weight({ stems, sentences }: Term, longer: readonly Term[]): number {
  const nested = longer.reduce((sum, term) => sum + term.sentences.size, 0) / Math.max(longer.length, 1);
  const speakers = new Set([...sentences].map(({ speaker }) => speaker)).size;
  const length = [0, 1, 1.8, 2.1, 2.1][Math.min(stems.length, 4)] ?? 1;
  return (sentences.size - nested) * length * (1 + 0.25 * Math.min(speakers - 1, 3));
}

function contains(large: Term, small: Term): boolean {
  return large.stems.length > small.stems.length && ` ${large.key} `.includes(` ${small.key} `);
}

function grouped(ranked: readonly Term[], most: number): Term[][] {
  const groups: Term[][] = [];
  for (const term of ranked) {
    const home = groups.find(([head]) => head !== undefined && related(head, term));
    if (home !== undefined) home.push(term);
    else if (groups.length < most) groups.push([term]);
  }
  return groups;
}

/** One phrase contains the other, or they share two words, or nearly all sentences of one name the other. */
function related(one: Term, other: Term): boolean {
  const small = one.stems.length <= other.stems.length ? one : other;
  const large = small === one ? other : one;
  if (small.stems.every((stem) => large.stems.includes(stem))) return true;
  const shared = one.stems.filter((stem) => other.stems.includes(stem)).length;
  if (shared >= 2) return true;
  const together = other.sentences.intersection(one.sentences).size;
  return together >= 2 && together / Math.min(one.sentences.size, other.sentences.size) >= 0.75;
}

/** No sentence is quoted for two topics, as long as another one is left. */
function topicOf(group: readonly Term[], quoted: Set<Sentence>): Topic {
  const sentences = [...new Set(group.flatMap(({ sentences: said }) => [...said]))].sort(
    (one, other) => one.index - other.index,
  );
  const label = labelOf(group);
  const unquoted = sentences.filter((sentence) => !quoted.has(sentence));
  const richness = richnessIn(group);
  const key = keySentence(unquoted.length > 0 ? unquoted : sentences, richness);
  if (key !== undefined) quoted.add(key);
  const cited = richest(sentences, richness).slice(0, CITED);
  return {
    label,
    terms: group.slice(0, 4).map(wordingOf),
    mentions: sentences.length,
    speakers: [...new Set(sentences.flatMap(({ speaker }) => speaker ?? []))],
    keySentence: key?.text ?? '',
    lines: linesOf(...(key === undefined ? [] : [key]), ...cited),
  };
}

/** The longest phrase of the group that is still said nearly as often as its best one. */
function labelOf(group: readonly Term[]): string {
  const best = group[0];
  if (best === undefined) return '';
  const longer = group.filter(
    ({ stems, sentences }) =>
      stems.length > best.stems.length && sentences.size >= Math.max(2, 0.25 * best.sentences.size),
  );
  const label = longer[0] ?? best;
  return wordingOf(label);
}

function wordingOf({ wordings }: Term): string {
  const [wording] = [...wordings].sort(([one, often], [other, oftener]) => oftener - often || one.localeCompare(other));
  return wording?.[0] ?? '';
}

type Richness = (sentence: Sentence) => number;

function keySentence(sentences: readonly Sentence[], richness: Richness): Sentence | undefined {
  const telling = sentences.filter(({ text, plain }) => !isVague(text) && !/\?\W*$/.test(plain));
  return richest(telling.length > 0 ? telling : sentences, richness)[0];
}

function richest(sentences: readonly Sentence[], richness: Richness): Sentence[] {
  const weighed = sentences.map((sentence) => ({ sentence, weight: richness(sentence) }));
  return weighed.sort((one, other) => other.weight - one.weight).map(({ sentence }) => sentence);
}

/** How much a sentence says of the terms of a group. */
function richnessIn(group: readonly Term[]): Richness {
  const hits = new Map<Sentence, number>();
  for (const { sentences } of group) {
    for (const sentence of sentences) hits.set(sentence, (hits.get(sentence) ?? 0) + 1);
  }
  return (sentence) => {
    const list = (sentence.text.match(/,/g) ?? []).length >= 3 ? 3 : 0;
    const plan = /\b(?:i'll|will|can you|please|who|let's|needs? to)\b/.test(sentence.plain) ? 1 : 0;
    const long = sentence.tokens.length > 40 ? 1 : 0;
    return Math.min(hits.get(sentence) ?? 0, 3) - plan + Math.min(sentence.terms.size, 8) / 4 - long - list;
  };
}
