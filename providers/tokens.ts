import { type CountTokens, estimateTokens, type Vocabulary, vocabularyOf } from '../domain/models/token-count.ts';

/** Of a longer text so many characters are counted, in samples: counting all would hold up the process too long. */
const MOST_COUNTED_CHARACTERS = 100_000;
const SAMPLE_CHARACTERS = 5_000;
/**
 * A run of characters without a break is one piece to the counter, whose time grows with its square, and Chinese has no
 * breaks: a run is counted in pieces, each of which may come to a token more.
 */
const PIECES = /(\S{100}|\s{100})/u;

interface Counter {
  countTokens(text: string, options: { disallowedSpecial: Set<string> }): number;
}

/** Loaded on first use only: a vocabulary takes up to 75 MB. */
const LOADERS: Readonly<Record<Vocabulary, () => Promise<Counter>>> = {
  o200k_base: () => import('gpt-tokenizer/encoding/o200k_base'),
  cl100k_base: () => import('gpt-tokenizer/encoding/cl100k_base'),
};
/** A text may hold what looks like a special token; it is text. */
const PLAIN = { disallowedSpecial: new Set<string>() };

/** Loads the counters for these ids of models. */
export async function loadCounters(ids: readonly string[]): Promise<(id: string) => CountTokens> {
  const wanted = new Set(ids.map(vocabularyOf).filter((vocabulary) => vocabulary !== null));
  const loaded = await Promise.all([...wanted].map(async (name) => [name, counterOf(await LOADERS[name]())] as const));
  const counters = new Map<Vocabulary | null, CountTokens>(loaded);
  return (id) => counters.get(vocabularyOf(id)) ?? estimateTokens;
}

function counterOf(counter: Counter): CountTokens {
  const count: CountTokens = (text) =>
    text.split(PIECES).reduce((sum, piece) => sum + (piece === '' ? 0 : counter.countTokens(piece, PLAIN)), 0);
  return (text) => (text.length <= MOST_COUNTED_CHARACTERS ? count(text) : bySamples(text, count));
}

/** Scales up what samples count that lie evenly over the text. */
function bySamples(text: string, count: CountTokens): number {
  const samples = MOST_COUNTED_CHARACTERS / SAMPLE_CHARACTERS;
  const apart = (text.length - SAMPLE_CHARACTERS) / (samples - 1);
  const starts = Array.from({ length: samples }, (_, index) => Math.floor(index * apart));
  const counted = starts.reduce((sum, start) => sum + count(text.slice(start, start + SAMPLE_CHARACTERS)), 0);
  return Math.ceil((counted * text.length) / MOST_COUNTED_CHARACTERS);
}
