/** English words that carry grammar, not content, and are rare as words of other European languages. */
const FUNCTION_WORDS = new Set(
  `the a an and or but if of to for with from by at on in as is are was were be been it its it's this that these those
  i you he she we they them us our your my their what which who when where why how not no don't can't won't isn't can
  could will would should do does did have has had there here so just about into up out than then some any all one
  i'll we'll let's i'm we're that's what's`.split(/\s+/),
);
/** English chat has 35–50 % of these words; German, French or Spanish below 12 %. */
const LEAST_SHARE = 0.2;
/** Below this many words a share says nothing, and English is assumed. */
const LEAST_WORDS = 12;

/** Whether a text reads as English. Short texts do unless their script says otherwise. */
export function isEnglish(text: string): boolean {
  const words =
    text
      .toLowerCase()
      .replace(/’/g, "'")
      .match(/[\p{L}][\p{L}\p{M}']*/gu) ?? [];
  const latin = words.filter((word) => /^[\p{Script=Latin}']+$/u.test(word));
  if (latin.length < words.length / 2) return false;
  if (words.length < LEAST_WORDS) return true;
  return words.filter((word) => FUNCTION_WORDS.has(word)).length / words.length >= LEAST_SHARE;
}
