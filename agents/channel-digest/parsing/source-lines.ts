/**
 * Cuts a source into lines as an editor counts them: a byte order mark is dropped, CRLF, CR and LF all end a line.
 * Line numbers everywhere in the digest are positions in this array plus one.
 */
export function sourceLines(text: string): string[] {
  return text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
}

/** Takes away invisible characters that chat programs put around names and numbers. */
export function withoutInvisible(line: string): string {
  return line.replace(/[\u200B\u200E\u200F\u202A-\u202E\u2060\u2066-\u2069\uFEFF]/g, '').replace(/\u202F|\u00A0/g, ' ');
}
