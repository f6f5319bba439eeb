import { eachInSlices, type Pace, readSentences } from '../language/read-sentences.ts';
import { overlap, type Sentence } from '../language/sentences.ts';
import type { Highlight, Transcript } from '../schemas.ts';
import { stanceOf } from './stance.ts';
import { rankSentences } from './text-rank.ts';
import { isVague, linesOf } from './wording.ts';

/** Sentences that take part in the ranking; of more, those with the most frequent words. */
const RANKED = 800;
const CHOSEN = 16;
/** Part of the best sentence's score that a highlight needs. */
const LEAST_SCORE = 0.35;
/** Two highlights may share this much of the shorter one's words. */
const LIKENESS = 0.5;

const CHATTER =
  /\b(?:lol|haha|coffee|lunch|pizza|gotta|bye|fun|good morning|i'm here|my dog|see you|sorry i'm late|thanks|thank you|brb|weekend)\b/;
const WEIGHTY =
  /\b(?:because|decid|must|need|cannot|can't|fail|block|risk|cost|deadline|release|result|found|caus|broke|crash|fix|customer|\d+(?:\.\d+)?\s?%|\d{2,})/;

/**
 * Picks the sentences that best represent the whole: central by shared rare words, substantial, not chatter, and not
 * repeating each other. At most 16, best first.
 */
export async function findHighlights(transcript: Transcript, pace: Pace): Promise<Highlight[]> {
  const sentences = await readSentences(transcript, pace);
  const substantial: Sentence[] = [];
  await eachInSlices(sentences, pace, (sentence) => {
    if (isSubstantial(sentence)) substantial.push(sentence);
  });
  const candidates = mostCommon(substantial);
  await pace();
  const ranks = await rankSentences(
    candidates.map(({ terms }) => terms),
    pace,
  );
  const scored = candidates.map((sentence, at) => ({
    sentence,
    score: (0.4 + 0.6 * (ranks[at] ?? 0)) * merit(sentence),
  }));
  scored.sort((one, other) => other.score - one.score || one.sentence.index - other.sentence.index);
  const best = scored[0]?.score ?? 1;
  return diverse(scored.filter(({ score }) => score >= LEAST_SCORE * best)).map(({ sentence, score }) => ({
    text: sentence.text,
    speaker: sentence.speaker,
    lines: linesOf(sentence),
    score: Math.round((100 * score) / best) / 100,
  }));
}

function isSubstantial({ terms, plain, tokens, text }: Sentence): boolean {
  const words = tokens.filter(({ kind }) => kind === 'word').length;
  return (
    terms.size >= 3 && words >= 5 && words <= 45 && !/\?\W*$/.test(plain) && !isVague(text) && !CHATTER.test(plain)
  );
}

/** Bounds the quadratic ranking on very long texts without favouring its beginning. */
function mostCommon(sentences: readonly Sentence[]): Sentence[] {
  if (sentences.length <= RANKED) return [...sentences];
  const counts = new Map<string, number>();
  for (const { terms } of sentences) for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
  const common = ({ terms }: Sentence) =>
    [...terms].reduce((sum, term) => sum + Math.log(counts.get(term) ?? 1), 0) / terms.size;
  const weighed = sentences.map((sentence) => ({ sentence, weight: common(sentence) }));
  const kept = weighed.sort((one, other) => other.weight - one.weight).slice(0, RANKED);
  return kept.map(({ sentence }) => sentence).sort((one, other) => one.index - other.index);
}

function merit(sentence: Sentence): number {
  const { terms, plain, tokens } = sentence;
  const size = Math.min(terms.size, 8) / 8;
  const weighty = WEIGHTY.test(plain) ? 1.2 : 1;
  const reaction = stanceOf(sentence) === 'none' ? 1 : 0.7;
  // Promises and plans have sections of their own in the report, and a list of names says nothing by itself.
  const told = /\b(?:i'll|let's|decision:|we should|can you|please|i could|needs? to|i suggest|i propose)\b/.test(plain)
    ? 0.6
    : 1;
  const list = (plain.match(/,/g) ?? []).length >= 3 || /^agenda\b/.test(plain) ? 0.4 : 1;
  // A figure is what readers look for; a fragment or a dangling "they" is what they cannot use.
  const figure = tokens.some(({ kind, text }) => kind === 'number' || /^\d/.test(text)) ? 1.3 : 1;
  const fragment = tokens.some(({ partOfSpeech }) => partOfSpeech === 'VERB' || partOfSpeech === 'AUX') ? 1 : 0.4;
  const dangling = /^(?:they|it|he|she|those|these|that|this|last thing|first up|next)\b/.test(plain) ? 0.6 : 1;
  return (0.6 + 0.4 * size) * weighty * reaction * told * list * figure * fragment * dangling;
}

function diverse<Scored extends { readonly sentence: Sentence }>(scored: readonly Scored[]): Scored[] {
  const chosen: Scored[] = [];
  for (const candidate of scored) {
    if (chosen.length === CHOSEN) break;
    if (chosen.every(({ sentence }) => overlap(sentence.terms, candidate.sentence.terms) < LIKENESS))
      chosen.push(candidate);
  }
  return chosen;
}
