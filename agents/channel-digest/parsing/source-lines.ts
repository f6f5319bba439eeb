/**
 * Cuts a source into lines as an editor counts them: a byte order mark is dropped, CRLF, CR and LF all end a line.
 * Line numbers everywhere in the digest are positions in this array plus one.
 */
export function sourceLines(text: string): string[] {
  return text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
}

const INVISIBLE = /[\u200B\u200E\u200F\u202A-\u202E\u2060\u2066-\u2069\uFEFF]/;
const OTHER_THAN_ASCII = /\P{ASCII}/u;
const ALL_INVISIBLE = new RegExp(INVISIBLE, 'g');

/** Takes away invisible characters that chat programs put around names and numbers. */
export function withoutInvisible(line: string): string {
  if (!OTHER_THAN_ASCII.test(line)) return line;
  return line.replace(ALL_INVISIBLE, '').replace(/[\u202F\u00A0]/g, ' ');
}

/** Where in a line so many visible characters have passed. */
export function visiblePosition(line: string, visible: number): number {
  let at = 0;
  for (let passed = 0; passed < visible && at < line.length; at++) if (!INVISIBLE.test(line[at] ?? '')) passed++;
  return at;
}
