/** HTML that is safe to be put into other HTML. Only {@link html} and {@link joined} make it. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template: markup as it is, anything else as text. False and null leave nothing. */
export type Part = Markup | string | number | false | null | readonly Part[];

/**
 * HTML of a template. Whatever is put into it is escaped unless it is {@link Markup} itself, so a text of a model, of a tool
 * or of a user is text wherever it stands: between tags, and in attributes, which are always quoted.
 */
export function html(template: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const [first = '', ...rest] = template;
  return new Markup(rest.reduce((text, literal, index) => text + textOf(parts[index] ?? null) + literal, first));
}

function textOf(part: Part): string {
  if (part === null || part === false) return '';
  if (part instanceof Markup) return part.text;
  if (typeof part === 'object') return part.map(textOf).join('');
  return escaped(String(part));
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Controls but for tab and line feed, and what changes the direction of the text around it. */
const UNSHOWABLE = /[^\P{Cc}\t\n]|[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\uFEFF]/gu;

function escaped(text: string): string {
  return text
    .toWellFormed()
    .replaceAll('\r\n', '\n')
    .replace(UNSHOWABLE, '\uFFFD')
    .replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}
