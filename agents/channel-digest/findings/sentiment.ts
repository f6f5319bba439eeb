import { type Pace, readSentences } from '../language/read-sentences.ts';
import type { Sentence } from '../language/sentences.ts';
import type { Mood, Sentiment, Transcript } from '../schemas.ts';

/** Fewest utterances with feeling that make a statement about a person, and about a stretch of the talk. */
const LEAST_EVIDENCE = 3;
const STRETCH = 4;
const MOST_TURNS = 3;

/** One line of the talk that shows a feeling. */
interface Felt {
  readonly line: number;
  readonly speaker: string | null;
  readonly text: string;
  readonly score: number;
}

const DELIGHT = /🎉|❤️|😍|🚀|😄|🙌|🥳|💪|🤩|👏/u;
const DISMAY = /😩|😭|😡|😞|😢|🤬|😤|💔|😠/u;
const WARM =
  /\b(?:love (?:it|this|that)|amazing|awesome|fantastic|great (?:job|work|meeting)|nice work|well done|happy|glad|excited|relieved|impressed|hero|comfortable|brilliant|feel (?:a lot )?better)\b/g;
const COLD =
  /\b(?:frustrat\w+|annoy\w+|angry|upset|disappoint\w+|terrible|awful|horrible|painful|a mess|nightmare|hate[sd]?|worried|worr(?:y|ies|ying)|concerned|sick of|fed up|ouch|disaster|ugh|unacceptable|exhausted|overwhelmed|stressed|tired of|sucks?|furious|unhappy|embarrassing|brutal)\b/g;
const POLITE = /\b(?:thank(?:s| you)|perfect|cheers)\b/g;
const NEGATES =
  /\b(?:not|no|never|n't|isn't|wasn't|don't|doesn't|didn't|can't|couldn't|less|no longer)\b[^.,;!?]{0,18}$/;

/**
 * Judges the mood: of the whole talk, of each participant, and where it turned. Words about the matter itself ("bug",
 * "crash", "error") are no feeling; an utterance counts by what it says of its speaker's state.
 */
export async function findSentiment(transcript: Transcript, pace: Pace): Promise<Sentiment> {
  const sentences = await readSentences(transcript, pace);
  const felt = feltLines(sentences);
  const share = sentences.length === 0 ? 0 : felt.length / sentences.length;
  return {
    mood: share < 0.03 ? 'neutral' : moodOf(felt),
    score: mean(felt),
    lines: strongest(felt),
    participants: byParticipant(felt),
    turningPoints: turningPoints(felt),
  };
}

/** What is said on one line is one feeling: a sentence and the emoji behind it belong together. */
function feltLines(sentences: readonly Sentence[]): Felt[] {
  const lines = [...Map.groupBy(sentences, ({ line }) => line)];
  return lines.flatMap(([line, said]) => {
    const score = clamp(said.reduce((sum, sentence) => sum + feeling(sentence), 0));
    const speaker = said[0]?.speaker ?? null;
    return score === 0 ? [] : [{ line, speaker, text: said.map(({ text }) => text).join(' '), score }];
  });
}

function clamp(score: number): number {
  return Math.max(-1, Math.min(1, Math.round(score * 100) / 100));
}

/** −1 to 1. Explicit words of feeling weigh most, emoji next; the model's word list only breaks ties. */
function feeling({ plain, text, sentiment }: Pick<Sentence, 'plain' | 'text' | 'sentiment'>): number {
  const words = signed(plain, WARM) - signed(plain, COLD);
  const marks = (DELIGHT.test(text) ? 0.5 : 0) - (DISMAY.test(text) ? 0.5 : 0);
  // Thanks are mostly manners.
  const manners = 0.15 * signed(plain, POLITE);
  const sum = 0.6 * words + marks;
  if (sum === 0) return clamp(manners);
  return clamp(sum + 0.3 * sentiment);
}

function signed(plain: string, cue: RegExp): number {
  return [...plain.matchAll(cue)].reduce((sum, match) => sum + (NEGATES.test(plain.slice(0, match.index)) ? -1 : 1), 0);
}

function moodOf(felt: readonly Felt[]): Mood {
  if (felt.length === 0) return 'neutral';
  const total = felt.reduce((sum, { score }) => sum + Math.abs(score), 0);
  const warm = felt.reduce((sum, { score }) => sum + Math.max(score, 0), 0) / total;
  if (warm >= 0.7) return 'positive';
  return warm <= 0.3 ? 'negative' : 'mixed';
}

function mean(felt: readonly Felt[]): number {
  if (felt.length === 0) return 0;
  return Math.round((100 * felt.reduce((sum, { score }) => sum + score, 0)) / felt.length) / 100;
}

function byParticipant(felt: readonly Felt[]): Sentiment['participants'] {
  const groups = [...Map.groupBy(felt, ({ speaker }) => speaker)];
  return groups.flatMap(([name, own]) => {
    if (name === null || own.length < LEAST_EVIDENCE) return [];
    return [{ name, mood: moodOf(own), score: mean(own), lines: strongest(own) }];
  });
}

function strongest(felt: readonly Felt[]): number[] {
  const first = felt.toSorted((one, other) => Math.abs(other.score) - Math.abs(one.score)).slice(0, 3);
  return first.map(({ line }) => line).sort((one, other) => one - other);
}

/** Where the means of the four feelings before and after differ most in sign; neighbours of a turn are no turns. */
function turningPoints(felt: readonly Felt[]): Sentiment['turningPoints'] {
  const shifts = felt.flatMap((here, at) => {
    const before = felt.slice(Math.max(0, at - STRETCH), at);
    const after = felt.slice(at, at + STRETCH);
    if (before.length < 3 || after.length < 3) return [];
    const size = mean(after) - mean(before);
    const turned =
      moodOf(before) !== moodOf(after) && Math.abs(size) >= 0.6 && Math.sign(here.score) === Math.sign(size);
    const shown = after.toSorted((one, other) => Math.sign(size) * (other.score - one.score))[0] ?? here;
    return turned ? [{ at, size, shown, from: moodOf(before), to: moodOf(after) }] : [];
  });
  const chosen: typeof shifts = [];
  for (const shift of shifts.toSorted((one, other) => Math.abs(other.size) - Math.abs(one.size))) {
    const apart = chosen.every(({ at }) => Math.abs(at - shift.at) >= STRETCH);
    if (apart && chosen.length < MOST_TURNS) chosen.push(shift);
  }
  const inOrder = chosen.toSorted((one, other) => one.at - other.at);
  return inOrder.map(({ shown: { line, speaker, text }, from, to }) => ({ line, speaker, from, to, text }));
}
