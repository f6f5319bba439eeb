/** What is kept of a text that is too long: most of its beginning, and its end. */
const HEAD_SHARE = 0.65;
const TAIL_SHARE = 0.25;

/**
 * A text of at most about `most` characters: 65 % from the beginning and 25 % from the end of what is allowed, with the
 * number of characters that were left out between them. No surrogate pair is cut.
 */
export function trimText(text: string, most: number): string {
  if (text.length <= most) return text;
  const head = text.slice(0, Math.floor(most * HEAD_SHARE)).toWellFormed();
  const tail = text.slice(text.length - Math.floor(most * TAIL_SHARE)).toWellFormed();
  return `${head}\n[… ${text.length - head.length - tail.length} characters left out …]\n${tail}`;
}
