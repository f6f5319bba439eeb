/** What was said in a conversation before. */
export interface Said {
  readonly role: 'user' | 'agent' | 'assistant';
  readonly text: string;
}

/** Words that say nothing of what a sentence is about. */
const COMMON = new Set(
  'about after again also been before being could does down each from have here into just know like made make many more most much must only other over said same should some such than that their them then there these they this those very want were what when where which while will with would your'.split(
    ' ',
  ),
);
/** A message is about the same when it shares this part of the words of what is asked. */
const ENOUGH = 0.34;
const MOST_QUOTED = 400;

/**
 * Finds in what a user said before the message that is closest to a text, by the words that they share; of equals the
 * latest. Null where none is close.
 */
export function recall(text: string, history: readonly Said[]): string | null {
  const wanted = wordsOf(text);
  if (wanted.size === 0) return null;
  let best: { readonly text: string; readonly shared: number } | null = null;
  for (const { role, text: known } of history) {
    const shared = wanted.intersection(wordsOf(known)).size / wanted.size;
    if (role === 'user' && shared >= ENOUGH && shared >= (best?.shared ?? 0)) best = { text: known, shared };
  }
  return best?.text.slice(0, MOST_QUOTED) ?? null;
}

/** The words of a text that say what it is about, in lower case and without their usual endings. */
function wordsOf(text: string): Set<string> {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) ?? [];
  return new Set(words.filter((word) => !COMMON.has(word)).map((word) => word.replace(/(?:ing|ed|es|s)$/, '')));
}
