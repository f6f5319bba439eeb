import type { Notice, Transcript, Utterance } from '../schemas.ts';

/** English words that carry grammar, not content, and are rare as words of other European languages. */
const FUNCTION_WORDS = new Set(
  `the a an and or but if of to for with from by at on in as is are was were be been it its it's this that these those
  i you he she we they them us our your my their what which who when where why how not no don't can't won't isn't can
  could will would should do does did have has had there here so just about into up out than then some any all one
  i'll we'll let's i'm we're that's what's`.split(/\s+/),
);
/** English chat has 35–50 % of these words; German, French or Spanish below 12 %. */
const LEAST_SHARE = 0.2;
/** Below this many words a share says nothing, and English is assumed. */
const LEAST_WORDS = 12;

/** Whether a text reads as English. Short texts do unless their script says otherwise. */
export function isEnglish(text: string): boolean {
  const words =
    text
      .toLowerCase()
      .replace(/’/g, "'")
      .match(/[\p{L}][\p{L}\p{M}']*/gu) ?? [];
  const latin = words.filter((word) => /^[\p{Script=Latin}']+$/u.test(word));
  if (latin.length < words.length / 2) return false;
  if (words.length < LEAST_WORDS) return true;
  return words.filter((word) => FUNCTION_WORDS.has(word)).length / words.length >= LEAST_SHARE;
}

export interface Readability {
  readonly language: Transcript['language'];
  /** Part of the words that the analysis reads, 0 to 1. */
  readonly legibility: number;
  readonly notices: readonly Notice[];
}

/** As much of a talk as shows its language. */
const SAMPLE_LENGTH = 200_000;

/** How much of what people said the analysis can read, and what a reader has to be told about the rest. */
export function readability(said: readonly Pick<Utterance, 'text'>[]): Readability {
  if (!isEnglish(sampleText(said))) return { language: 'other', legibility: 0, notices: [OTHER_LANGUAGE] };
  const foreign = said.filter(({ text }) => !isEnglish(text));
  if (foreign.length === 0) return { language: 'english', legibility: 1, notices: [] };
  const lengthOf = (some: readonly Pick<Utterance, 'text'>[]) => some.reduce((sum, { text }) => sum + text.length, 0);
  const messages = foreign.length === 1 ? '1 message is' : `${foreign.length} messages are`;
  const text = `${messages} not in English and only counted: decisions, actions and mood are read in English only.`;
  return {
    language: 'english',
    legibility: 1 - lengthOf(foreign) / lengthOf(said),
    notices: [{ code: 'language', text }],
  };
}

const OTHER_LANGUAGE: Notice = {
  code: 'language',
  text:
    'The text does not read as English. Decisions, actions, questions and mood are only read in English: ' +
    'participants and counts are given, and nothing is claimed about what was said.',
};

function sampleText(said: readonly Pick<Utterance, 'text'>[]): string {
  const parts: string[] = [];
  let length = 0;
  for (const { text } of said) {
    if (length > SAMPLE_LENGTH) break;
    parts.push(text.slice(0, SAMPLE_LENGTH));
    length += text.length;
  }
  return parts.join('\n');
}
