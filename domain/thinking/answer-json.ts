const FENCE = '```';

/** The JSON value that a model's answer is; undefined for a text that is not JSON. */
export function jsonInAnswer(text: string): unknown {
  try {
    return JSON.parse(withoutFences(text));
  } catch {
    return undefined;
  }
}

/** Models like to put JSON between fences: what is between them, where they stand around the whole text. */
function withoutFences(text: string): string {
  const bare = text.trim();
  const line = bare.indexOf('\n');
  if (line < 0 || !bare.startsWith(FENCE) || !bare.endsWith(FENCE)) return text;
  const language = bare.slice(FENCE.length, line).trim();
  return language === '' || language === 'json' ? bare.slice(line, -FENCE.length) : text;
}
