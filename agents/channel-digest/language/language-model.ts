import type { ItemSentence, ItsFunction } from 'wink-nlp';

/** One word or mark of a sentence, as the language model sees it. */
export interface Token {
  readonly text: string;
  /** The stem, lower case: equal for "release", "releases" and "releasing". */
  readonly stem: string;
  readonly lemma: string;
  /** Universal part of speech: NOUN, PROPN, VERB, ADJ, … */
  readonly partOfSpeech: string;
  /** word, number, punctuation, mention, url, emoji, … */
  readonly kind: string;
  readonly stopWord: boolean;
}

export interface ParsedSentence {
  readonly text: string;
  readonly tokens: readonly Token[];
  /** −1 to 1; 0 when the words show no feeling. */
  readonly sentiment: number;
}

export interface LanguageModel {
  /** Splits a piece of text into sentences. Deterministic. */
  read(text: string): ParsedSentence[];
}

let shared: Promise<LanguageModel> | undefined;

/**
 * The English model, loaded at its first use and then shared by all agents of the process: loading costs a good
 * tenth of a second and some 60 MB, which a worker that never digests anything should not pay.
 */
export function loadLanguageModel(): Promise<LanguageModel> {
  shared ??= load();
  return shared;
}

async function load(): Promise<LanguageModel> {
  const [{ default: createWink }, { default: model }] = await Promise.all([
    import('wink-nlp'),
    import('wink-eng-lite-web-model'),
  ]);
  const { readDoc, its } = createWink(model);
  // The library declares these two with fewer parameters than it calls them with.
  const stem = its.stem as unknown as ItsFunction<string>;
  const lemma = its.lemma as unknown as ItsFunction<string>;
  return {
    read(text) {
      const sentences: ParsedSentence[] = [];
      readDoc(text)
        .sentences()
        .each((sentence: ItemSentence) => {
          const tokens = sentence.tokens();
          const stems = tokens.out(stem);
          const lemmas = tokens.out(lemma);
          const parts = tokens.out(its.pos);
          const kinds = tokens.out(its.type);
          const stops = tokens.out(its.stopWordFlag);
          sentences.push({
            text: sentence.out(),
            sentiment: Number(sentence.out(its.sentiment)),
            tokens: withHyphens(
              tokens.out().map((word, at) => ({
                text: word,
                stem: String(stems[at]),
                lemma: String(lemmas[at]),
                partOfSpeech: String(parts[at]),
                kind: String(kinds[at]),
                stopWord: Boolean(stops[at]),
              })),
              sentence.out(),
            ),
          });
        });
      return sentences;
    },
  };
}

/** The library cuts "sign-ups" in three; it is one word, and takes the part of speech of its last part. */
function withHyphens(tokens: readonly Token[], sentence: string): Token[] {
  const joined: Token[] = [];
  let at = 0;
  for (const token of tokens) {
    const start = Math.max(sentence.indexOf(token.text, at), at);
    const hyphen = joined.at(-1);
    const before = joined.at(-2);
    const touches = hyphen?.text === '-' && sentence[start - 1] === '-' && sentence[start - 2] !== ' ';
    if (touches && before?.kind === 'word' && token.kind === 'word') {
      const stem = `${before.stem}-${token.stem}`;
      joined.splice(-2, 2, {
        ...token,
        text: `${before.text}-${token.text}`,
        stem,
        lemma: `${before.lemma}-${token.lemma}`,
        stopWord: false,
      });
    } else joined.push(token);
    at = start + token.text.length;
  }
  return joined;
}
