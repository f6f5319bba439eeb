/** Models like to put JSON between fences. */
const FENCED = /^\s*```(?:json)?\s*\n([\s\S]*?)\n?```\s*$/;

/** The JSON value that a model's answer is; undefined for a text that is not JSON. */
export function jsonInAnswer(text: string): unknown {
  try {
    return JSON.parse(FENCED.exec(text)?.[1] ?? text);
  } catch {
    return undefined;
  }
}
