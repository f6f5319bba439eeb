const SHORT_FORMS: ReadonlyArray<readonly [RegExp, string]> = [
  [/\b(gonna)\b/gi, 'going to'],
  [/\b(wanna)\b/gi, 'want to'],
  [/\b(lemme)\b/gi, 'let me'],
  [/\b(lets)\b/gi, "let's"],
  [/\b(imo|imho|tbh|fwiw|btw)\b,?/gi, ''],
  [/\b(pls|plz)\b/gi, 'please'],
  [/\b(ppl)\b/gi, 'people'],
  [/\b(dont|don t)\b/gi, "don't"],
  [/\b(cant)\b/gi, "can't"],
  [/\b(im)\b/gi, "i'm"],
  [/\b(ill)(?= (?:do|take|write|fix|send|check|ask|file|look|make|get|add|update)\b)/gi, "i'll"],
  [/\bi will\b/gi, "i'll"],
  [/\bwe will\b/gi, "we'll"],
  [/\b(u)\b/gi, 'you'],
];

/** A text as cues are looked up in it: straight quotes, one space, no emphasis marks, chat's short forms written out. */
export function plainText(text: string): string {
  let plain = text
    .replace(/[’‘]/gi, "'")
    .replace(/[“”]/g, '"')
    .replace(/(?<![\w*_~])[*_~]{1,3}(?=\S)|(?<=\S)[*_~]{1,3}(?![\w*_~])/g, '')
    .replace(/\s+/g, ' ')
    .trim();
  for (const [short, long] of SHORT_FORMS) plain = plain.replace(short, long);
  return plain.replace(/\s+/g, ' ').trim();
}
