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
  [/(?<=^|[,.;!] |\b(?:ok|okay|sure|yes|ya|then) )ill(?= \p{L})/giu, "I'll"],
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

const UNMARKED_QUESTION =
  /^(?:(?:ok|so|and|but|also|btw|hey|wait)[, ]+|@[\w.-]+[,:]? |\p{L}+ (?=(?:can|could|would|will) you ))*(?:(?:when|where|who|what|which|why|how)(?:'s|'re| (?:is|are|was|were|do|does|did|can|could|should|shall|will|would|has|have|ones?|many|much|long|about))\b|(?:do|does|did|is|are|was|were|can|could|should|would|will|has|have|any(?:one|body))(?:n't)? (?:i|we|you|they|he|she|it|the|this|that|these|those|there|our|your|my|any(?:one|body)|some(?:one|body)|every(?:one|body)|else|know|seen|\p{L}+ (?:know|have|need|want|mind|work)s?)\b)/iu;

/** Adds the question mark that people leave out in chat, where the order of words shows that they ask. */
export function withQuestionMark(said: string): string {
  return /[.!?…:]\W*$/.test(said) || said.split(' ').length < 2 || !UNMARKED_QUESTION.test(said) ? said : `${said}?`;
}
