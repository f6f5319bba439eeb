const FUNCTION_WORDS = new Set(
  `the a an and or but if of to for with from by at on in as is are was were be been it its this that these those they
  them we our us you your he she his her i my me not no do does did will would can could should shall may have has had
  so then than there here what which who when where why how just also only about into up out over all any some`.split(
    /\s+/,
  ),
);
/** Letters kept of a word: enough to tell words apart, few enough for inflections to meet. */
const ROOT = 6;

/**
 * The beginnings of the content words of a text: a comparison of wordings that needs no language model, for the
 * critic, who reads Muster's own sentences.
 */
export function wordRoots(text: string): Set<string> {
  const words =
    text
      .toLowerCase()
      .replace(/[’']s\b/g, '')
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  const telling = words.filter((word) => !FUNCTION_WORDS.has(word) && (word.length > 2 || /\d/.test(word)));
  return new Set(telling.map((word) => (/\d/.test(word) ? word : word.slice(0, ROOT))));
}
