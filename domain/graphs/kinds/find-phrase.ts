/** Characters that nobody sees, which would keep a phrase from being found. */
const UNSEEN = /\p{Cf}|\p{Variation_Selector}/gu;

/** A text as phrases are compared: forms, case and spaces that look alike are alike, and what nobody sees is gone. */
export function fold(text: string): string {
  // The case of ß, ſ and the like is alike only by way of capitals.
  const alike = text.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');
  return alike.replace(UNSEEN, '').replace(/\s+/g, ' ').trim();
}

/** The first of these phrases that a folded text has as whole words; null if it has none. */
export function phraseIn(folded: string, phrases: readonly string[]): string | null {
  return phrases.find((phrase) => hasPhrase(folded, fold(phrase))) ?? null;
}

function hasPhrase(text: string, phrase: string): boolean {
  const opensWord = isOfWord(firstOf(phrase));
  const closesWord = isOfWord(lastOf(phrase));
  for (let from = text.indexOf(phrase); from >= 0; from = text.indexOf(phrase, from + 1)) {
    const end = from + phrase.length;
    const isWithin =
      (opensWord && isOfWord(lastOf(text.slice(Math.max(0, from - 2), from)))) ||
      (closesWord && isOfWord(firstOf(text.slice(end, end + 2))));
    if (!isWithin) return true;
  }
  return false;
}

function firstOf(text: string): string {
  return String.fromCodePoint(text.codePointAt(0) ?? 0x20);
}

function lastOf(text: string): string {
  return [...text.slice(-2)].at(-1) ?? ' ';
}

const WORD = /[\p{L}\p{M}\p{N}_]/u;
/** Scripts that put no spaces between words: there a phrase has no edges that could be seen. */
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;

function isOfWord(character: string): boolean {
  return WORD.test(character) && !UNSPACED.test(character);
}
