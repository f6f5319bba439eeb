import type { Token } from '../language/language-model.ts';
import type { Sentence } from '../language/sentences.ts';

export interface NounPhrase {
  readonly text: string;
  /** Stems joined by a space: equal for different inflections of one phrase. */
  readonly key: string;
  readonly stems: readonly string[];
}

/** Nouns of every talk, whatever it is about. */
const GENERIC = new Set(
  `thing things time times day days week weeks month months year lot bit way ways guy guys people person someone one
  question questions idea ideas point points issue issues problem problems stuff kind sort part side end start moment
  minute minutes hour hours today tomorrow yesterday tonight morning afternoon evening night monday tuesday wednesday
  thursday friday saturday sunday everybody everyone anybody somebody nobody something nothing anything everything plan
  case fact reason example number place order course work job word name hand head eye call meeting team thanks thank
  sorry please yes no ok okay hey hi hello morning need use try look update note notes result results change changes
  option options thought thoughts topic attendee attendees participant participants agenda decision decisions action actions item items draft step steps turn min sec mess
  line lines list help support look half couple rest past one's lol haha wow hero riot half-hour bad good great nice brb bye afk btw imo yeah yep nope cheers hmm tbh fyi asap todo tbd aob`.split(
    /\s+/,
  ),
);
const LONGEST = 4;

/**
 * The noun phrases of a sentence that can name a topic: adjectives and nouns before a noun, names of people left out;
 * a long one with every shorter one inside it.
 */
export function nounPhrases(sentence: Sentence, names: ReadonlySet<string>): NounPhrase[] {
  const phrases: NounPhrase[] = [];
  let run: Token[] = [];
  const close = () => {
    phrases.push(...phrasesOf(run));
    run = [];
  };
  sentence.tokens.forEach((word, at) => {
    const token = at === 0 ? uncapitalised(word) : word;
    const modifies =
      /ing$/.test(token.text) && isNoun(sentence.tokens[at + 1]) && !token.stopWord && !isNoun(sentence.tokens[at - 1]);
    if ((belongs(token, run) || modifies) && !names.has(token.text.toLowerCase())) run.push(token);
    else close();
  });
  close();
  return phrases;
}

/** The capital of a sentence's first word says nothing, unless the word is all capitals or has more of them. */
function uncapitalised(token: Token): Token {
  return /^\p{Lu}\p{Ll}+$/u.test(token.text) ? { ...token, text: token.text.toLowerCase() } : token;
}

function belongs({ partOfSpeech, kind, stopWord, text }: Token, run: readonly Token[]): boolean {
  if (kind !== 'word' || stopWord)
    return kind === 'number' && run.length > 0 && /^\d/.test(text) && run.at(-1)?.kind === 'word';
  return (
    (partOfSpeech === 'NOUN' || partOfSpeech === 'PROPN' || partOfSpeech === 'ADJ') &&
    /^\p{L}[\p{L}\p{N}-]*$/u.test(text) &&
    text.length > 1
  );
}

function phrasesOf(run: readonly Token[]): NounPhrase[] {
  const spans = run.flatMap((_, start) =>
    run.slice(start, start + LONGEST).map((__, more) => run.slice(start, start + more + 1)),
  );
  const naming = spans.filter(
    (span) => isNoun(span.at(-1)) && !isWeak(span[0]) && span.some((token) => isNoun(token) && !isWeak(token)),
  );
  const unique = new Map(naming.map((span) => [keyOf(span), span]));
  return [...unique].map(([key, span]) => ({
    key,
    text: span.map(({ text }) => text).join(' '),
    stems: key.split(' '),
  }));
}

function keyOf(span: readonly Token[]): string {
  return span.map(({ stem }) => stem.toLowerCase().replaceAll(' ', '')).join(' ');
}

function isNoun(token: Token | undefined): boolean {
  return token !== undefined && (token.partOfSpeech === 'NOUN' || token.partOfSpeech === 'PROPN');
}

function isWeak(token: Token | undefined): boolean {
  return (
    token === undefined ||
    GENERIC.has(token.text.toLowerCase()) ||
    GENERIC.has(token.lemma.toLowerCase()) ||
    token.kind === 'number'
  );
}
