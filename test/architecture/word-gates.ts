import { lineAt } from './faults.ts';
import type { SourceFile } from './source-files.ts';

/** Phrases over which a native reader stumbles, each with a plain one. */
const PHRASES: readonly (readonly [phrase: RegExp, plain: string])[] = [
  [/\b(?:is|are|was|were|be|been|stays) away\b/gi, 'unavailable'],
  [/\bgo(?:es)? on\b/gi, 'continue'],
  [/\bwhoever\b/gi, 'the caller, a program that'],
  [/\bfor ever\b/gi, 'forever'],
  [/\bonce more\b/gi, 'again'],
  [/\bby hand\b/gi, 'manually'],
  [/\bis no (?:id|list|name|part|fault) of\b/gi, 'is not a … of'],
  [/\bdoes nothing of\b/gi, 'does none of'],
];

/** Phrases of a file that have a plainer form. */
export function oddPhrases({ path, text }: SourceFile): string[] {
  return PHRASES.flatMap(([phrase, plain]) =>
    [...text.matchAll(phrase)].map(
      (match) => `${path}:${lineAt(text, match.index)} says "${match[0]}"; say "${plain}".`,
    ),
  );
}
