import { Parser } from 'htmlparser2';

/** The content of these elements is quoted or shown elsewhere, and not said here. */
const PASSED_OVER = new Set(['blockquote', 'script', 'style', 'attachment', 'systemeventmessage', 'legacyquote']);
const BREAKS = new Set(['p', 'div', 'br', 'li', 'tr', 'h1', 'h2', 'h3']);

/** The parser's work grows with the depth of what is open; after so many characters it begins afresh. */
const PIECE = 65_536;

/** The words of a piece of HTML: marks gone, entities decoded, a mention as `@name`. Text without marks stays itself. */
export function textOfHtml(html: string): string {
  if (!/[<&]/.test(html)) return html;
  const parts: string[] = [];
  let hidden = 0;
  const parser = new Parser({
    onopentag(name, attributes) {
      if (PASSED_OVER.has(name)) hidden++;
      if (BREAKS.has(name)) parts.push('\n');
      if (name === 'at') parts.push('@');
      if (name === 'emoji') parts.push(attributes.alt ?? '');
    },
    ontext(text) {
      if (hidden === 0) parts.push(text);
    },
    onclosetag(name) {
      if (PASSED_OVER.has(name)) hidden--;
      if (BREAKS.has(name)) parts.push('\n');
    },
  });
  for (let at = 0; at < html.length; ) {
    const next = html.indexOf('<', at + PIECE);
    const end = next < 0 ? html.length : next;
    parser.end(html.slice(at, end));
    parser.reset();
    at = end;
  }
  return parts
    .join('')
    .replaceAll('\u00A0', ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n');
}
