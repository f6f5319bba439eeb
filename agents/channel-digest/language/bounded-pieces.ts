/** A stretch of an utterance, and how many line breaks of the utterance lie before it. */
export interface Piece {
  readonly text: string;
  readonly offset: number;
}

/**
 * Longest stretch that is looked at as one. Whatever a pattern costs, it costs at most its price for so many characters.
 * A longer sentence is cut between two words.
 */
const LONGEST_PIECE = 600;
/** Of a longer word, which is an address, a key or noise, the beginning is kept. */
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

/** Where the piece that begins at `start` ends. */
function cutBefore(text: string, start: number): number {
  const window = text.slice(start, start + LONGEST_PIECE);
  const sentenceEnd = Math.max(...['. ', '? ', '! ', '\n'].map((mark) => window.lastIndexOf(mark)));
  if (sentenceEnd > 0) return start + sentenceEnd + 1;
  // No word is as long as a piece.
  return start + window.lastIndexOf(' ') + 1;
}
