import { isEnglish } from '../parsing/language-of.ts';
import type { Transcript, Utterance } from '../schemas.ts';
import type { LanguageModel, Token } from './language-model.ts';
import { plainText, withQuestionMark } from './plain-text.ts';

/** A stretch of an utterance, and how many line breaks of the utterance lie before it. */
export interface Piece {
  readonly text: string;
  readonly offset: number;
}

/**
 * The longest stretch that is read as one. It bounds what a pattern can cost. A longer sentence is cut between two
 * words.
 */
const LONGEST_PIECE = 600;
/** A longer word is an address, a key or noise; only its beginning is kept. */
const LONGEST_WORD = 100;
const LONG_WORD = new RegExp(`(\\S{${LONGEST_WORD}})\\S+`, 'gu');

/** Cuts a text into pieces of bounded length: after a sentence where one ends, else between two words. */
export function boundedPieces(text: string, offset: number): Piece[] {
  const short = text.replace(LONG_WORD, '$1').replace(/[^\S\n]+/g, ' ');
  const pieces: Piece[] = [];
  let breaks = offset;
  for (let start = 0; start < short.length; ) {
    const end = start + LONGEST_PIECE >= short.length ? short.length : cutBefore(short, start);
    const piece = short.slice(start, end);
    if (piece.trim() !== '') pieces.push({ text: piece, offset: breaks });
    breaks += piece.split('\n').length - 1;
    start = end;
  }
  return pieces;
}

function cutBefore(text: string, start: number): number {
  const window = text.slice(start, start + LONGEST_PIECE);
  const sentenceEnd = Math.max(...['. ', '? ', '! ', '\n'].map((mark) => window.lastIndexOf(mark)));
  if (sentenceEnd > 0) return start + sentenceEnd + 1;
  // Every word is shorter than a piece.
  return start + window.lastIndexOf(' ') + 1;
}

/** One sentence of the transcript with all that the analysts ask of it. */
export interface Sentence {
  /** Position in the list of sentences, from 0. */
  readonly index: number;
  readonly utterance: Utterance;
  /** The line of the source on which the sentence starts. */
  readonly line: number;
  /** The line on which it ends: in notes a sentence may run over several. */
  readonly lastLine: number;
  readonly speaker: string | null;
  readonly text: string;
  /** The text with straight quotes and chat's short forms written out: what new sentences are made of. */
  readonly said: string;
  /** The same in lower case: what cues are looked up in. */
  readonly plain: string;
  readonly tokens: readonly Token[];
  /** Stems of the words that carry content. */
  readonly terms: ReadonlySet<string>;
  readonly sentiment: number;
}

/** Cuts a transcript into sentences; several slices make the whole, so that a long text leaves the process its turns. */
export class SentenceReader {
  readonly #utterances: readonly Utterance[];
  readonly #model: LanguageModel;
  readonly #sentences: Sentence[] = [];
  #next = 0;

  constructor(transcript: Transcript, model: LanguageModel) {
    this.#utterances = transcript.language === 'english' ? transcript.utterances : [];
    this.#model = model;
  }

  /** All sentences once the whole is read; null before. */
  get sentences(): readonly Sentence[] | null {
    return this.#next === this.#utterances.length ? this.#sentences : null;
  }

  /** Reads on for about so many milliseconds, one utterance at least. */
  read(milliseconds: number): void {
    const until = performance.now() + milliseconds;
    do {
      const utterance = this.#utterances[this.#next];
      if (utterance === undefined) return;
      this.#next += 1;
      if (isWords(utterance) && isEnglish(utterance.text)) readUtterance(this.#model, utterance, this.#sentences);
    } while (performance.now() < until);
  }
}

/** Whether somebody said it, in words. */
function isWords({ automated, wordless }: Utterance): boolean {
  return !automated && !wordless;
}

const CONTENT = new Set(['NOUN', 'PROPN', 'VERB', 'ADJ', 'NUM']);

/** In chats a line break ends a sentence; in notes a sentence runs on over the lines of its paragraph. */
function readUtterance(model: LanguageModel, utterance: Utterance, into: Sentence[]): void {
  for (const { text: piece, offset } of pieces(utterance)) {
    for (const { text, tokens, sentiment } of model.read(piece)) {
      if (text.trim() === '') continue;
      const said = utterance.speaker === null ? plainText(text) : withQuestionMark(plainText(text));
      const line = lineAt(utterance, text, { piece, offset });
      into.push({
        index: into.length,
        utterance,
        line,
        lastLine: Math.min(line + text.trim().split('\n').length - 1, utterance.lastLine),
        speaker: utterance.speaker,
        text: text.trim().replace(/\s+/g, ' '),
        said,
        plain: said.toLowerCase(),
        tokens,
        terms: contentTerms(tokens),
        sentiment,
      });
    }
  }
}

function pieces({ speaker, text }: Utterance): Piece[] {
  if (speaker === null) return boundedPieces(text, 0);
  return text
    .split('\n')
    .flatMap((line, offset) => (line.trim() === '' || line.startsWith('> ') ? [] : boundedPieces(line, offset)));
}

function lineAt(utterance: Utterance, sentence: string, { piece, offset }: { piece: string; offset: number }): number {
  const start = Math.max(piece.indexOf(sentence), 0);
  const breaks = piece.slice(0, start).split('\n').length - 1;
  return Math.min(utterance.line + offset + breaks, utterance.lastLine);
}

/** The stems by which two sentences are compared. */
function contentTerms(tokens: readonly Token[]): Set<string> {
  const kept = tokens.filter(({ kind, stopWord, partOfSpeech, text }) => {
    if (kind === 'number') return true;
    return kind === 'word' && !stopWord && CONTENT.has(partOfSpeech) && text.length > 1;
  });
  // The stemmer alters digits, and a changed number would meet the wrong one.
  return new Set(kept.map(({ stem, text, kind }) => (kind === 'number' ? text : stem.toLowerCase())));
}

/** Whether one says nothing that the other does not say too, so that the two may be one matter told twice. */
export function isContained(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.isSubsetOf(other) || other.isSubsetOf(one);
}

/** How many of the wanted terms are there, 0 to 1; 0 when none is wanted. */
export function coveredShare(wanted: ReadonlySet<string>, present: ReadonlySet<string>): number {
  return wanted.size === 0 ? 0 : wanted.intersection(present).size / wanted.size;
}

/** Likeness of two sets of terms: shared terms over the smaller set, 0 to 1. */
export function overlap(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  const smaller = Math.min(one.size, other.size);
  return smaller === 0 ? 0 : one.intersection(other).size / smaller;
}
