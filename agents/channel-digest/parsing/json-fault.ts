type Expected = 'value' | 'first value' | 'key' | 'first key' | 'colon' | 'comma' | 'end';

const TOKEN =
  /[\s\uFEFF]*(?:(?<text>"(?:[^"\\\n]|\\.)*")|(?<scalar>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|true\b|false\b|null\b)|(?<mark>[{}[\],:]))/y;

/**
 * Finds where malformed JSON first departs from the grammar, as a position in the text; its end when something is
 * missing there. The engine's own message names no position for the commonest faults.
 */
export function jsonFaultPosition(text: string): number {
  const open: Array<'{' | '['> = [];
  let expected: Expected = 'value';
  let at = 0;
  for (;;) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    const next: Expected | null = match === null ? null : follow(match.groups ?? {}, expected, open);
    if (match === null || next === null) return skipSpace(text, at);
    at = TOKEN.lastIndex;
    expected = next;
  }
}

/** What may follow a token, or null if the token is not allowed here. */
function follow(
  token: Readonly<Record<string, string | undefined>>,
  expected: Expected,
  open: Array<'{' | '['>,
): Expected | null {
  const takesValue = expected === 'value' || expected === 'first value';
  const takesKey = expected === 'key' || expected === 'first key';
  const after = (): Expected => (open.length === 0 ? 'end' : 'comma');
  if (token.text !== undefined && takesKey) return 'colon';
  if (token.text !== undefined || token.scalar !== undefined) return takesValue ? after() : null;
  switch (token.mark) {
    case '{':
    case '[':
      if (!takesValue) return null;
      open.push(token.mark);
      return token.mark === '{' ? 'first key' : 'first value';
    case '}':
    case ']': {
      const mayClose = expected === 'comma' || expected === (token.mark === '}' ? 'first key' : 'first value');
      return mayClose && open.pop() === (token.mark === '}' ? '{' : '[') ? after() : null;
    }
    case ',':
      return expected === 'comma' ? (open.at(-1) === '{' ? 'key' : 'value') : null;
    default:
      return expected === 'colon' ? 'value' : null;
  }
}

function skipSpace(text: string, from: number): number {
  const rest = /\S/g;
  rest.lastIndex = from;
  return rest.exec(text)?.index ?? text.trimEnd().length;
}
