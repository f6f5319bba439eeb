import { MAX_TEXT } from '../kinds.ts';

/** Characters that nobody sees, which would keep a phrase from being found. */
const UNSEEN = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;

/** Marks on one letter; the two of half width become marks. Putting many in order takes their square. */
const MARKS = /([\p{M}\uFF9E\uFF9F]{1,30})[\p{M}\uFF9E\uFF9F]*/gu;

/** A folded text may be longer than it was: one character can stand for 18. */
const MAX_FOLDED = 2 * MAX_TEXT;

/**
 * A text as phrases are compared: forms, case and spaces that look alike are alike, and what nobody sees is gone. Null for
 * one that would be longer than two million characters.
 */
export function fold(text: string): string | null {
  // A character that is not seen would keep a letter and its accent from becoming one.
  const composed = text.replace(UNSEEN, '').replace(MARKS, '$1').normalize('NFKC');
  if (composed.length > MAX_FOLDED) return null;
  // The case of ß, ſ and the like is alike only by way of capitals.
  const alike = composed.toUpperCase().toLowerCase().normalize('NFKC');
  return alike.replace(/\s+/g, ' ').trim();
}

/**
 * Those of these phrases that a folded text has as whole words. Takes one pass over the text, however many they are
 * (Aho and Corasick, by words).
 */
export function phrasesIn(folded: string, phrases: readonly string[]): ReadonlySet<string> {
  const start = treeOf(phrases);
  const found = new Set<string>();
  const passed = new Set<Place>();
  let place = start;
  for (const token of tokensOf(folded)) {
    place = stepFrom(place, token) ?? start;
    // Behind a place that was passed before, all were.
    for (let end: Place | null = place; end !== null && !passed.has(end); end = end.shorter) {
      passed.add(end);
      for (const phrase of end.phrases) found.add(phrase);
    }
  }
  return found;
}

/** How far a phrase has been met. */
interface Place {
  readonly next: Map<string, Place>;
  /** Those that end here. */
  readonly phrases: string[];
  /** How far the longest other one has been met then; null at the start. */
  shorter: Place | null;
}

function treeOf(phrases: readonly string[]): Place {
  const start = newPlace();
  for (const phrase of phrases) {
    let place = start;
    for (const token of tokensOf(fold(phrase) ?? '')) place = nextOf(place, token);
    place.phrases.push(phrase);
  }
  // A place is linked after all that are nearer to the start; the list grows while it is read.
  const places = [start];
  for (const place of places) {
    for (const [token, next] of place.next) {
      next.shorter = (place.shorter === null ? null : stepFrom(place.shorter, token)) ?? start;
      places.push(next);
    }
  }
  return start;
}

function newPlace(): Place {
  return { next: new Map(), phrases: [], shorter: null };
}

function nextOf(place: Place, token: string): Place {
  const next = place.next.get(token) ?? newPlace();
  place.next.set(token, next);
  return next;
}

/** The place behind this token of the phrase that has been met furthest; null if none continues so. */
function stepFrom(from: Place, token: string): Place | null {
  for (let place: Place | null = from; place !== null; place = place.shorter) {
    const next = place.next.get(token);
    if (next !== undefined) return next;
  }
  return null;
}

/**
 * Words, and single characters of everything else. Scripts that put no spaces between words have no words: there a phrase
 * has no edges that could be seen.
 */
const TOKEN =
  /[[\p{L}\p{M}\p{N}_]--[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]]+|./gsv;

function tokensOf(text: string): readonly string[] {
  return text.match(TOKEN) ?? [];
}
